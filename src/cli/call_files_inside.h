/* What the files about transfers share. */
#ifndef SOTTO_CLI_CALL_FILES_INSIDE_H
#define SOTTO_CLI_CALL_FILES_INSIDE_H

#include "call/file.h"
#include "cli/call_files.h"

#define FILES_MAX SO_FILE_OFFERS

/* One that is sent: offered in each call anew. */
typedef struct file_out {
    call_files *files;
    so_file_offer offer;
    so_file_sender sender;
    int fd;
    off_t from;
    bool regular;       /* it can be read at any time, and from its beginning */
    bool offered, over; /* in this call; over: through, or off */
    bool spent;         /* a pipe: what was read of it is gone */
    bool waits;         /* the poll runs */
    uv_poll_t *poll;    /* of a pipe, from the first wait on */
    uint16_t channel;
    so_msec said_at;
} file_out;

/* One that is taken. */
typedef struct file_in {
    call_files *files;
    so_file_receiver receiver;
    bool used;
    uint16_t channel;
    int fd;
    bool stream;         /* no file of ours: a pipe, a device, standard output */
    char path[4096];     /* where it is to be in the end; "": nowhere */
    char part[4096 + 8]; /* where it is until then; "": nowhere */
    uint8_t *waiting;    /* of a stream: bytes that it had no room for */
    size_t waiting_at, waiting_len;
    uv_poll_t *poll;
    so_msec said_at;
} file_in;

struct call_files {
    const call_options *options;
    uv_loop_t *loop;
    call_files_asks asks;
    so_caller *caller; /* NULL: no call */
    bool connected, settled, failed;
    bool out_taken; /* --data-out names one file, and it is taken */
    file_out outs[FILES_MAX];
    size_t out_count;
    file_in ins[FILES_MAX];
};

void files_say(call_files *f, bool in, const char *state, const so_file_offer *offer, uint64_t bytes);
/* At times; *said_at: when it was last. */
void files_progress(call_files *f, bool in, const so_file_offer *offer, uint64_t bytes, so_msec *said_at);
/* NULL: the descriptor can't be waited for, or there is no memory. Ended in the loop, later; NULL is allowed. */
uv_poll_t *files_poll(call_files *f, int fd, void *user);
void files_end_poll(uv_poll_t *poll);
void files_fault(call_files *f, const so_error *err);
void files_send(call_files *f, uint16_t channel, const so_writer *text);
void files_settle(call_files *f);

so_status file_out_open(file_out *out, call_files *f, const char *path, so_error *err) SO_MUST_CHECK;
void file_out_close(file_out *out);
void file_out_again(file_out *out); /* another call begins */
void file_out_offer(file_out *out);
void file_out_take(file_out *out, bool text, so_slice message);
void file_out_pump(file_out *out);
void file_out_off(file_out *out, const char *why); /* unless it is through */

so_status file_in_check(const char *path, so_error *err) SO_MUST_CHECK;
bool file_in_begin(file_in *in, call_files *f, uint16_t channel);
void file_in_take(file_in *in, bool text, so_slice message);
void file_in_off(file_in *in, const char *why);

#endif
