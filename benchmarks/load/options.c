#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

struct settings set = {.users = 100, .senders = 10, .window = 1, .body = 80, .seconds = 3, .warm = 1,
                       .patience = 60};
char (*name)[16], **token;
long *room;

void read_options(int count, char **given) {
    static const struct option known[] = {
        {"port", 1, 0, 'p'}, {"protocol", 1, 0, 'P'}, {"users", 1, 0, 'n'}, {"list", 1, 0, 'l'},
        {"senders", 1, 0, 's'}, {"group", 1, 0, 'g'}, {"window", 1, 0, 'w'}, {"echo", 0, 0, 'e'},
        {"direct", 0, 0, 'd'}, {"body", 1, 0, 'b'}, {"names", 0, 0, 'N'}, {"hold", 0, 0, 'h'},
        {"passive", 0, 0, 'v'}, {"pid", 1, 0, 'i'}, {"seconds", 1, 0, 't'}, {"warm", 1, 0, 'W'},
        {"gap", 1, 0, 'G'}, {"rate", 1, 0, 'r'}, {"patience", 1, 0, 'c'}, {0, 0, 0, 0}};
    for (int option; (option = getopt_long(count, given, "", known, 0)) != -1; ) switch (option) {
        case 'p': set.port = atoi(optarg); break;
        case 'P': set.protocol = !strcmp(optarg, "socket.io") ? SOCKET_IO : RELAY; break;
        case 'n': set.users = atoi(optarg); break;
        case 'l': set.list = optarg; break;
        case 's': set.senders = atoi(optarg); break;
        case 'g': set.group = atoi(optarg); break;
        case 'w': set.window = atoi(optarg); break;
        case 'e': set.echo = 1; break;
        case 'd': set.direct = 1; break;
        case 'b': set.body = atoi(optarg); break;
        case 'N': set.names = 1; break;
        case 'h': set.hold = 1; break;
        case 'v': set.passive = 1; break;
        case 'i': set.pid = atoi(optarg); break;
        case 't': set.seconds = atof(optarg); break;
        case 'W': set.warm = atof(optarg); break;
        case 'G': set.gap = atof(optarg); break;
        case 'c': set.patience = atof(optarg); break;
        case 'r': set.rate = atof(optarg); break;
        default: exit(2);
    }
}

void read_users(void) {
    char text[1024], made[1000];
    size_t count = (size_t)set.users;
    name = calloc(count, sizeof *name), token = calloc(count, sizeof *token);
    room = calloc(count, sizeof *room);
    FILE *file = fopen(set.list, "r");
    if (!file || !name || !token || !room) { perror(set.list); exit(2); }
    for (int n = 0; n < set.users; n++) {
        if (!fgets(text, sizeof text, file) || sscanf(text, "%15s %999s %ld", name[n], made, &room[n]) != 3) {
            fprintf(stderr, "%s: fewer than %d users\n", set.list, set.users);
            exit(2);
        }
        token[n] = strdup(made);
    }
    fclose(file);
}
