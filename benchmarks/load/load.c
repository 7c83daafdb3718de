/* The load: many users on one server, some of whom talk, and a check of everything that arrives.

   Each belongs to a group of --group users; a message of one must reach all others of the group,
   and the sender too where --echo says that the server tells senders. A message is in flight until
   all have it. One JSON line tells the outcome; exit code 1 when something was wrong. */

#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "line.h"
#include "options.h"

enum { OPENING = 50, NAME = 6, EVENTS = 512 };   /* sockets at a time; bytes; of one epoll_wait */

static struct line *lines;
static uint64_t *heard_so_far, *said, *answered;
static uint32_t *due;         /* [user][talker of the group]: the number that comes next */
static uint16_t *missing;     /* [sender][number & (ring - 1)]: who has not got it yet */
static uint8_t *knows;        /* [user][user] as bits: of whom one was told that they are here */
static uint32_t *acquaintances, ring;
static int epoll, welcomed, ended, talkers, in_flight, next_sender, measuring, expecting_end;
static uint64_t read_at, deliveries, messages, window_from, next_at;
static struct faults faults;
static struct histogram latency, whole;   /* to each member; to the last one */

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Seconds that a process has spent computing, in all of its threads. */
static double cpu_of(int pid) {
    char path[64], text[1024];
    unsigned long user = 0, kernel = 0;
    if (!pid) return 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    size_t got = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[got] = 0;
    char *rest = strrchr(text, ')');
    if (rest) sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel);
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static double own_cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
         + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* Writing ------------------------------------------------------------------------------------------ */

static void listen_to(struct line *line, int operation) {
    uint32_t wanted = EPOLLIN | (line->out.length ? EPOLLOUT : 0);
    struct epoll_event event = {.events = wanted, .data.ptr = line};
    epoll_ctl(epoll, operation, line->fd, &event);
    line->wants_out = line->out.length > 0;
}

static void push(struct line *line) {
    flush_line(line);
    if ((line->out.length > 0) != line->wants_out) listen_to(line, EPOLL_CTL_MOD);
}

static void say(int sender, uint64_t at) {
    static char text[8192], words[4096];
    static const char sentence[] = " please bring the slides to the room, we begin at four";
    char tag[TAG + 1] = "";
    for (size_t n = strlen(words); n < sizeof words - 1; n++) words[n] = sentence[n % (sizeof sentence - 1)];
    write_tag(tag, (struct tag){(uint32_t)sender, (uint32_t)said[sender], at});
    const char *event = set.protocol == SOCKET_IO ? "42[\"message\"," : "";
    char to[64];
    if (set.direct) snprintf(to, sizeof to, "\"type\":3,\"to\":\"%s\"", name[sender ^ 1]);
    else snprintf(to, sizeof to, "\"type\":2,\"room\":%ld", room[sender]);
    int length = snprintf(text, sizeof text, "%s{%s,\"id\":\"%d-%llu\",\"data\":\"%s%.*s\"}%s", event, to,
        sender, (unsigned long long)said[sender], tag, set.body - TAG, words, *event ? "]" : "");
    missing[(uint32_t)sender * ring + (said[sender] & (ring - 1))] =
        (uint16_t)(set.group - !set.echo);
    said[sender]++;
    in_flight++;
    write_frame(&lines[sender], 1, text, (size_t)length);
}

/* The next of the senders in turn who has room for one message more. */
static int next_in_turn(void) {
    for (int tried = 0; tried < set.senders; tried++) {
        int sender = next_sender;
        next_sender = (next_sender + 1) % set.senders;
        if (!missing[(uint32_t)sender * ring + (said[sender] & (ring - 1))]) return sender;
    }
    return -1;
}

static void say_more(uint64_t at) {
    int first = next_sender, sender, spoken = 0;
    if (set.rate > 0 || set.gap > 0) {
        while (next_at <= at && (set.rate > 0 || !in_flight) && (sender = next_in_turn()) >= 0) {
            say(sender, set.rate > 0 ? next_at : now());
            push(&lines[sender]);
            next_at = set.rate > 0 ? next_at + (uint64_t)(1e9 / set.rate) : UINT64_MAX;
        }
        return;
    }
    for (; in_flight < set.window && (sender = next_in_turn()) >= 0; spoken++) say(sender, at);
    if (spoken > set.senders) spoken = set.senders;
    for (int n = 0; n < spoken; n++) push(&lines[(first + n) % set.senders]);
}

/* Reading ------------------------------------------------------------------------------------------ */

static void arrived_everywhere(uint64_t at, struct tag tag) {
    in_flight--;
    if (measuring && tag.at >= window_from) record(&whole, at - tag.at);
    messages += (uint64_t)measuring;
    if (set.gap > 0) next_at = at + (uint64_t)(set.gap * 1e9);
}

static void deliver(struct line *line, struct tag tag) {
    int group = line->index / set.group * set.group, talker = (int)tag.sender - group;
    if (talker < 0 || talker >= talkers) { faults.strangers++; return; }
    uint32_t *expected = &due[(size_t)line->index * (size_t)talkers + (size_t)talker];
    if (tag.number < *expected) { faults.doubles++; return; }
    if (tag.number > *expected) faults.holes += tag.number - *expected;
    *expected = tag.number + 1;
    heard_so_far[line->index] = fold(heard_so_far[line->index], tag);
    if (line->index != (int)tag.sender && measuring) {
        deliveries++;
        if (tag.at >= window_from) record(&latency, read_at - tag.at);
    }
    uint16_t *left = &missing[tag.sender * ring + (tag.number & (ring - 1))];
    if (!set.passive && *left && !--*left) arrived_everywhere(read_at, tag);
}

static int starts(const char *text, size_t length, const char *with) {
    size_t size = strlen(with);
    return length >= size && !memcmp(text, with, size);
}

/* Who is told to be here: "p00017" anywhere in the frame. */
static void meet(struct line *line, const char *text, size_t length) {
    uint8_t *known = knows + (size_t)line->index * (size_t)(set.users + 7) / 8;
    for (const char *end = text + length - NAME; text && text < end; ) {
        if (!(text = memmem(text, (size_t)(end + NAME - text), "\"p", 2))) return;
        int other = atoi(text + 2);
        text += NAME;
        if (other >= set.users || known[other >> 3] & 1 << (other & 7)) continue;
        known[other >> 3] |= (uint8_t)(1 << (other & 7));
        acquaintances[line->index]++;
    }
}

static void welcome(struct line *line) {
    if (!line->welcomed) welcomed++;
    line->welcomed = 1;
}

static void hear_socket_io(struct line *line, const char *text, size_t length) {
    char hello[1024];
    if (*text == '0') {
        int size = snprintf(hello, sizeof hello, "40{\"token\":\"%s\"}", token[line->index]);
        write_frame(line, 1, hello, (size_t)size);
        push(line);
    } else if (*text == '2') {
        write_frame(line, 1, "3", 1);
        push(line);
    } else if (starts(text, length, "42[\"list\"")) {
        welcome(line);
        if (set.names) meet(line, text, length);
    }
}

static void hear_other(struct line *line, const char *text, size_t length) {
    if (set.protocol == SOCKET_IO) { hear_socket_io(line, text, length); return; }
    if (starts(text, length, "{\"type\":4,")) {
        if (memmem(text, length, "\"ok\":true", 9)) answered[line->index]++;
        else if (!faults.refused++) fprintf(stderr, "%.*s\n", (int)length, text);
    } else if (starts(text, length, "{\"type\":1,") || starts(text, length, "{\"type\":6,")) {
        if (text[8] == '1') welcome(line);
        if (set.names) meet(line, text, length);
    }
}

static void hear(struct line *line, int opcode, char *payload, size_t length) {
    struct tag tag;
    if (opcode == 9) {
        write_frame(line, 10, payload, length);
        push(line);
    } else if (opcode == 8) {
        if (!expecting_end && !faults.closed++) fprintf(stderr, "closed %d %.*s\n",
            length > 1 ? (uint8_t)payload[0] << 8 | (uint8_t)payload[1] : 0, (int)length - 2, payload + 2);
    } else if (line->welcomed && read_tag(payload, length, &tag)) {
        deliver(line, tag);
    } else if (opcode == 1 && length) {
        hear_other(line, payload, length);
    }
}

static void end(struct line *line) {
    if (line->ended) return;
    line->ended = 1, ended++;
    if (!expecting_end) faults.closed++;
    close(line->fd);
}

static void turn(int wait_ms) {
    static struct epoll_event events[EVENTS];
    int ready = epoll_wait(epoll, events, EVENTS, wait_ms);
    for (int n = 0; n < ready; n++) {
        struct line *line = events[n].data.ptr;
        if (events[n].events & EPOLLOUT) push(line);
        if (!(events[n].events & ~(uint32_t)EPOLLOUT)) continue;
        read_at = now();
        if (!read_line(line, hear)) end(line);
    }
}

/* A run -------------------------------------------------------------------------------------------- */

static void stuck(const char *where) {
    fprintf(stderr, "nothing more came while %s (%d of %d welcomed, %d in flight, %d ended)\n", where,
        welcomed, set.users, in_flight, ended);
}

static int all_met(void) {
    for (int n = 0; n < set.users && set.names; n++)
        if (acquaintances[n] < (uint32_t)set.users) return 0;
    return 1;
}

static void everybody_in(void) {
    const char *path = set.protocol == SOCKET_IO ? "/socket.io/?EIO=4&transport=websocket" : "/ws";
    int opened = 0, before = 0;
    uint64_t moved = now();
    while (welcomed < set.users || !all_met()) {
        for (; opened < set.users && opened - welcomed < OPENING; opened++) {
            open_line(&lines[opened], opened, set.port, path, token[opened]);
            listen_to(&lines[opened], EPOLL_CTL_ADD);
        }
        turn(100);
        if (welcomed != before) before = welcomed, moved = now();
        if (now() - moved > 30000000000ull || ended) { stuck("connecting"); exit(2); }
    }
}

/* In direct rooms the first message of each is dearer: the measure begins when all have spoken. */
static int still_warming(void) {
    return set.direct && !measuring && !said[set.senders - 1];
}

static void talk_until(uint64_t end) {
    for (uint64_t at; ((at = now()) < end || still_warming()) && !faults.closed; ) {
        say_more(at);
        int idle = set.gap > 0 || set.rate > 0;
        turn(idle ? (next_at == UINT64_MAX ? 100 : next_at > at + 2000000 ? 1 : 0) : 100);
    }
}

static int all_answered(void) {
    for (int n = 0; n < set.senders && set.echo; n++)
        if (answered[n] < said[n]) return 0;
    return 1;
}

static void drain(void) {
    uint64_t until = now() + (uint64_t)(set.patience * 1e9);
    while ((in_flight || !all_answered()) && now() < until && !faults.closed) turn(50);
    if (in_flight) stuck("draining");
}

/* What is missing in the end, and whether those who should have heard the same did. */
static void judge(void) {
    for (int user = 0; user < set.users && !set.passive; user++) {
        int group = user / set.group * set.group;
        for (int talker = 0; talker < talkers; talker++) {
            int sender = group + talker;
            if (sender >= set.senders || (sender == user && !set.echo)) continue;
            faults.holes += said[sender] - due[(size_t)user * (size_t)talkers + (size_t)talker];
        }
    }
    for (int group = 0; group < set.users && !set.passive; group += set.group) {
        int first = set.echo ? group : group + talkers;
        for (int user = first + 1; user < group + set.group && user < set.users; user++)
            faults.disorder += heard_so_far[user] != heard_so_far[first];
    }
    for (int n = 0; n < set.senders && set.echo; n++) faults.unanswered += said[n] - answered[n];
}

static int report(double took, double cpu, double own, double in_seconds, double in_cpu) {
    uint64_t wrong = faults.holes + faults.doubles + faults.disorder + faults.strangers + faults.refused
                   + faults.closed + faults.unanswered;
    printf("{\"seconds\":%.4f,\"messages\":%llu,\"deliveries\":%llu,\"server_cpu\":%.3f,\"load_cpu\":%.3f,"
        "\"connect_seconds\":%.3f,\"connect_cpu\":%.3f", took, (unsigned long long)messages,
        (unsigned long long)deliveries, cpu, own, in_seconds, in_cpu);
    const struct histogram *both[] = {&latency, &whole};
    for (int n = 0; n < 2; n++)
        printf(",\"%s\":{\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}", n ? "whole" : "latency",
            (double)percentile(both[n], .5) / 1e3, (double)percentile(both[n], .99) / 1e3,
            (double)percentile(both[n], .999) / 1e3, (double)both[n]->most / 1e3);
    printf(",\"faults\":{\"holes\":%llu,\"doubles\":%llu,\"disorder\":%llu,\"strangers\":%llu,"
        "\"refused\":%llu,\"closed\":%llu,\"unanswered\":%llu}}\n",
        (unsigned long long)faults.holes, (unsigned long long)faults.doubles,
        (unsigned long long)faults.disorder, (unsigned long long)faults.strangers,
        (unsigned long long)faults.refused, (unsigned long long)faults.closed,
        (unsigned long long)faults.unanswered);
    return wrong > 0;
}

static void hold(void) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    printf("ready\n");
    fflush(stdout);
    while (!poll(&input, 1, 0)) turn(100);
}

/* Setting up --------------------------------------------------------------------------------------- */

static void *zeroed(size_t count, size_t size) {
    void *got = calloc(count ? count : 1, size);
    if (!got) exit(3);
    return got;
}

static void make_room(void) {
    size_t users = (size_t)set.users;
    if (!set.group) set.group = set.users;
    talkers = set.senders < set.group ? set.senders : set.group;
    uint32_t each = (uint32_t)(set.window * 4 / set.senders);
    if (set.rate > 0) each = 4096;
    for (ring = 16; ring < each; ring *= 2) { }
    lines = zeroed(users, sizeof *lines);
    heard_so_far = zeroed(users, 8), said = zeroed(users, 8), answered = zeroed(users, 8);
    due = zeroed(users * (size_t)talkers, 4);
    missing = zeroed((size_t)set.senders * ring, 2);
    acquaintances = zeroed(users, 4);
    if (set.names) knows = zeroed(users * (users + 7) / 8 + users, 1);
    epoll = epoll_create1(0);
}

static void allow_sockets(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int count, char **given) {
    read_options(count, given);
    allow_sockets();
    make_room();
    read_users();
    uint64_t begun = now();
    double cpu = cpu_of(set.pid);
    everybody_in();
    double in_seconds = (double)(now() - begun) / 1e9, in_cpu = cpu_of(set.pid) - cpu;
    if (set.hold) hold();
    next_at = now();
    talk_until(now() + (uint64_t)(set.warm * 1e9));
    double own = own_cpu();
    cpu = cpu_of(set.pid);
    window_from = now(), measuring = 1;
    talk_until(window_from + (uint64_t)(set.seconds * 1e9));
    measuring = 0;
    double took = (double)(now() - window_from) / 1e9;
    cpu = cpu_of(set.pid) - cpu, own = own_cpu() - own;
    drain();
    judge();
    expecting_end = 1;
    return report(took, cpu, own, in_seconds, in_cpu);
}
