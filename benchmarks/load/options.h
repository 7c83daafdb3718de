/* What the load is told: its options, and who the users are. */

#ifndef OPTIONS_H
#define OPTIONS_H

enum { RELAY, SOCKET_IO };

extern struct settings {
    int port, protocol, pid;
    int users, senders, group;     /* the first `senders` talk; 0: all are one group */
    int window;                     /* messages in flight */
    int echo, direct, names, hold, passive;
    int body;                       /* bytes of text in a message */
    double seconds, warm, patience; /* of measuring, before it, and for what is still missing after it */
    double gap, rate;               /* s from one message to the next; messages a second */
    const char *list;
} set;

extern char (*name)[16], **token;
extern long *room;

void read_options(int count, char **given);
void read_users(void);             /* a line of `list` each: name, token, room */

#endif
