#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "line.h"

enum { SOURCES = 8, CHUNK = 1 << 20 };   /* loopback addresses to come from; bytes of one read */
static const unsigned char MASK[4] = {0x5a, 0xc3, 0x17, 0x88};

static void give_up(const char *what) {
    perror(what);
    exit(2);
}

static void append(struct buffer *buffer, const char *bytes, size_t length) {
    if (buffer->length + length > buffer->room) {
        buffer->room = (buffer->length + length) * 2;
        if (!(buffer->bytes = realloc(buffer->bytes, buffer->room))) give_up("realloc");
    }
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

static struct sockaddr_in loopback(int last, int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(0x7f000000u + (uint32_t)last);
    return address;
}

void open_line(struct line *line, int index, int port, const char *path, const char *token) {
    struct sockaddr_in from = loopback(2 + index % SOURCES, 0), to = loopback(1, port);
    int yes = 1;
    line->index = index;
    line->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (line->fd < 0) give_up("socket");
    setsockopt(line->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (bind(line->fd, (struct sockaddr *)&from, sizeof from)) give_up("bind");
    if (connect(line->fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS)
        give_up("connect");
    char request[2048];
    int length = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Authorization: Bearer %s\r\n\r\n", path, port, token);
    append(&line->out, request, (size_t)length);
}

void write_frame(struct line *line, int opcode, const char *payload, size_t length) {
    char frame[8192];
    size_t head = length < 126 ? 6 : 8;
    if (length + head > sizeof frame) exit(3);
    frame[0] = (char)(0x80 | opcode);
    frame[1] = (char)(0x80 | (length < 126 ? length : 126));
    if (length >= 126) frame[2] = (char)(length >> 8), frame[3] = (char)length;
    memcpy(frame + head - 4, MASK, 4);
    for (size_t n = 0; n < length; n++) frame[head + n] = (char)(payload[n] ^ MASK[n & 3]);
    append(&line->out, frame, head + length);
}

void flush_line(struct line *line) {
    if (line->ended || !line->out.length) return;
    ssize_t sent = send(line->fd, line->out.bytes, line->out.length, MSG_NOSIGNAL);
    if (sent <= 0) return;
    line->out.length -= (size_t)sent;
    memmove(line->out.bytes, line->out.bytes + sent, line->out.length);
}

/* How many of these bytes are whole frames; each is handed on. */
static size_t take_frames(struct line *line, char *bytes, size_t length, heard *heard) {
    size_t at = 0;
    for (;;) {
        unsigned char *head = (unsigned char *)bytes + at;
        size_t left = length - at, size = 2, payload;
        if (left < 2) return at;
        payload = head[1] & 0x7f;
        if (payload == 126) {
            if (left < 4) return at;
            payload = (size_t)head[2] << 8 | head[3], size = 4;
        } else if (payload == 127) {
            if (left < 10) return at;
            payload = 0, size = 10;
            for (int n = 2; n < 10; n++) payload = payload << 8 | head[n];
        }
        if (left < size + payload) return at;
        heard(line, head[0] & 15, bytes + at + size, payload);
        at += size + payload;
    }
}

static size_t take_upgrade(struct line *line, char *bytes, size_t length) {
    char *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (!end) return 0;
    if (memcmp(bytes, "HTTP/1.1 101", 12)) {
        fprintf(stderr, "refused: %.*s\n", (int)length, bytes);
        exit(2);
    }
    line->upgraded = 1;
    return (size_t)(end + 4 - bytes);
}

static size_t take(struct line *line, char *bytes, size_t length, heard *heard) {
    size_t taken = line->upgraded ? 0 : take_upgrade(line, bytes, length);
    return line->upgraded ? taken + take_frames(line, bytes + taken, length - taken, heard) : 0;
}

int read_line(struct line *line, heard *heard) {
    static char chunk[CHUNK];
    ssize_t got = recv(line->fd, chunk, sizeof chunk, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (!got) return 0;
    line->received += (uint64_t)got;
    if (!line->in.length) {
        size_t taken = take(line, chunk, (size_t)got, heard);
        if (taken < (size_t)got) append(&line->in, chunk + taken, (size_t)got - taken);
        return 1;
    }
    append(&line->in, chunk, (size_t)got);
    size_t taken = take(line, line->in.bytes, line->in.length, heard);
    line->in.length -= taken;
    memmove(line->in.bytes, line->in.bytes + taken, line->in.length);
    return 1;
}
