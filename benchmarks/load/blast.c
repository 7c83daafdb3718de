/* The load's own ceiling: a server that does nothing but write well-formed messages to all who connect.

   blast PORT PEOPLE JOINED: each write holds JOINED frames. What the load receives and checks of this
   is the most that it could ever show of a server. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

enum { FRAME = 160 };   /* bytes of one frame: what chatserver's are like */

static const char UPGRADE[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\n\r\n\x81\x16{\"type\":1,\"data\":[\"\"]}";

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int listening(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4096)) {
        perror("blast");
        exit(1);
    }
    printf("listening\n");
    fflush(stdout);
    return fd;
}

static int accepted(int server) {
    char request[4096];
    int fd = accept(server, 0, 0);
    if (read(fd, request, sizeof request) < 0 || write(fd, UPGRADE, sizeof UPGRADE - 1) < 0) exit(1);
    return fd;
}

/* A frame's second byte says 126: the length follows in two. */
static void write_message(char *to, uint32_t number) {
    memset(to, 'x', FRAME);
    to[0] = (char)0x81, to[1] = 126, to[2] = 0, to[3] = FRAME - 4;
    write_tag(to + 60, (struct tag){0, number, now()});
}

int main(int count, char **given) {
    if (count != 4) return 2;
    int users = atoi(given[2]), joined = atoi(given[3]), server = listening(atoi(given[1]));
    int *line = calloc((size_t)users, sizeof *line);
    char *written = malloc((size_t)joined * FRAME);
    for (int n = 0; n < users; n++) line[n] = accepted(server);
    sleep(1);
    for (uint32_t number = 0;;) {
        for (int n = 0; n < joined; n++) write_message(written + n * FRAME, number++);
        for (int n = 0; n < users; n++)
            if (send(line[n], written, (size_t)joined * FRAME, MSG_NOSIGNAL) < 0) return 0;
    }
}
