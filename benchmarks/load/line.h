/* One WebSocket client: connecting, frames in, frames out. Knows no message. */

#ifndef LINE_H
#define LINE_H

#include <stddef.h>
#include <stdint.h>

struct buffer { char *bytes; size_t length, room; };

struct line {
    int fd, index;
    uint8_t upgraded, welcomed, ended, wants_out;
    struct buffer in, out;      /* what is not whole yet; what could not be written yet */
    uint64_t received;          /* bytes */
};

/* Called for every whole frame; `opcode` as in RFC 6455, 5.2. */
typedef void heard(struct line *line, int opcode, char *payload, size_t length);

void open_line(struct line *line, int index, int port, const char *path, const char *token);
void write_frame(struct line *line, int opcode, const char *payload, size_t length);
void flush_line(struct line *line);
int read_line(struct line *line, heard *heard);    /* 0 at the end of the stream */

#endif
