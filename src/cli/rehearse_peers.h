/*
 * Two ends of a call below the seal, and somebody on the wire between them who sees every datagram and every
 * description and may drop, alter or repeat it. All in this process and in a time of its own.
 */
#ifndef SOTTO_CLI_REHEARSE_PEERS_H
#define SOTTO_CLI_REHEARSE_PEERS_H

#include "cli/rehearse.h"

#include "peer/demux.h"
#include "peer/peer.h"

typedef struct peers peers;

typedef struct peers_end {
    so_peer *peer;
    so_address base;
    size_t track;
    bool opened; /* it was open once */
    unsigned frames;
    uint64_t media; /* datagrams of it that this end sent */
} peers_end;

typedef struct peers_datagram {
    unsigned from;
    so_address source, target;
    so_demux kind;
    size_t len;
    uint8_t bytes[2048];
} peers_datagram;

struct peers {
    so_engine engine;
    so_msec now;
    peers_end ends[2];
    /* Sees every datagram first; false: it does not arrive. May alter it. */
    bool (*tap)(peers *p, peers_datagram *d);
    /* Sees every description and may rewrite it; cap counts its final zero. */
    void (*rewrite)(peers *p, unsigned from, so_sdp_type type, char *sdp, size_t cap);
    void *user;
    uint32_t numbers;
    bool broken; /* no memory, or what must not be */
};

bool peers_begin(peers *p);
void peers_end_all(peers *p);
/* Offer and answer; false: one of the two refused, or was over already. */
bool peers_negotiate(peers *p, unsigned offerer);
void peers_run(peers *p, so_msec ms);
/* An honest call, up to where it is open. */
bool peers_open(peers *p);
bool peers_are_open(const peers *p);
/* Something arrives at an end, whoever sent it and whatever it says its source is. */
void peers_inject(peers *p, unsigned to, const so_address *source, const uint8_t *bytes, size_t len);
/* One frame of sound; false: the end takes none. */
bool peers_send(peers *p, unsigned from);
bool peers_hear_each_other(peers *p);
so_peer_facts peers_facts(const peers *p, unsigned i);

/* A control: two ends, and nobody between them. */
bool peers_honest(rehearsal *r);

/* Every occurrence of one text becomes another one; false: there is none, or no room. */
bool peers_replace(char *text, size_t cap, const char *what, const char *with);
/* The same with whole lines that begin so. */
bool peers_replace_line(char *text, size_t cap, const char *begins, const char *with);

#endif
