#include "base/secret.h"
#include "cli/call.h"
#include "cli/commands.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_DEFAULT 300
#define SECONDS_MAX 31536000ul

static const char help[] =
    "usage: sotto call [OPTION]... LINK\n\n"
    "Joins the call of an invitation link (https://host[:port]/#...), with a browser or another sotto at the other "
    "end.\n"
    "Give the link as - to have it read from standard input.\n\n"
    "  --in WHAT        send FILE, \"mic\", \"camera\", \"screen\", or \"test\" (a tone and a picture with a clock);\n"
    "                   twice: sound of one and the picture of the other\n"
    "  --loop           begin files anew at their end\n"
    "  --out WHAT       play what is heard (\"speaker\"), show what is seen (\"window\"), or write both to FILE\n"
    "                   (.webm, .mkv, .mp4 or .ogg); up to four times\n"
    "  --rtp-in A:P     send what another program on this machine sends there in plain RTP (loopback alone)\n"
    "  --rtp-out A:P    give what is heard and seen to another program on this machine, likewise\n"
    "  --rtp-sdp FILE   write the session description that the other program needs for --rtp-out\n"
    "  --chat           send the lines of standard input, and print those of the other end\n"
    "  --data-in FILE   send a file; \"-\": standard input; up to 16 times\n"
    "  --data-out WHERE take files: into a folder, one as this file, or one to standard output (\"-\")\n"
    "  --sas            compare first: nothing goes out before you said that both ends show the same\n"
    "  --expect NAME    stop if this is not the one whom you know as NAME (sotto peers)\n"
    "  --remember NAME  give the other end's key this name, if it has none\n"
    "  --private        show a key made for this call alone, and not yours\n"
    "  --passphrase-file FILE\n"
    "                   your key is encrypted with the first line of FILE (mode 0600)\n"
    "  --state DIR      where your key and the people whom you know are kept\n"
    "  --policy FILE    what the call must have; the stricter of this and the server's is in force (sotto policy)\n"
    "  --echo           send back what is heard\n"
    "  --answer         wait for callers, one after another, until stopped\n"
    "  --duration S     hang up S seconds after every door holds\n"
    "  --wait S         give up when nobody came within S seconds (300; 0: never)\n"
    "  --ca FILE        trust the CA in FILE instead of the system's store\n"
    "  --connect ADDR   connect to this address; the certificate must still name the link's host\n"
    "  --relay          go through a relay (TURN) only: the other end learns no address of this one\n"
    "  --loopback       let loopback addresses take part, for two ends on one machine\n"
    "  --json           one JSON object a line, for a program\n"
    "  --report FILE    write the report of what was verified, after each call\n"
    "  --report-addresses\n"
    "                   have the addresses of the path in that report; else none is in it\n\n"
    "Exit code: 0 the call was held and ended, 1 a file or this machine failed, 2 wrong usage, 3 the server cannot be\n"
    "reached, 4 its certificate was refused, 5 it refused the seat, 6 no call came to be, 7 the seal was broken,\n"
    "8 the other end's fingerprint is missing or wrong, 9 no path or no keys, 10 a check at the other end failed,\n"
    "11 the other end is not who was expected, or what was compared is not the same, 12 a policy is not met.\n";

enum {
    OPT_IN = 256,
    OPT_OUT,
    OPT_LOOP,
    OPT_RTP_IN,
    OPT_RTP_OUT,
    OPT_RTP_SDP,
    OPT_CHAT,
    OPT_SAS,
    OPT_EXPECT,
    OPT_REMEMBER,
    OPT_PRIVATE,
    OPT_PASSPHRASE_FILE,
    OPT_STATE,
    OPT_POLICY,
    OPT_DATA_IN,
    OPT_DATA_OUT,
    OPT_ECHO,
    OPT_ANSWER,
    OPT_DURATION,
    OPT_WAIT,
    OPT_CA,
    OPT_CONNECT,
    OPT_RELAY,
    OPT_LOOPBACK,
    OPT_JSON,
    OPT_REPORT,
    OPT_REPORT_ADDRESSES
};

static const struct option names[] = {
    {"in", required_argument, NULL, OPT_IN},
    {"out", required_argument, NULL, OPT_OUT},
    {"loop", no_argument, NULL, OPT_LOOP},
    {"rtp-in", required_argument, NULL, OPT_RTP_IN},
    {"rtp-out", required_argument, NULL, OPT_RTP_OUT},
    {"rtp-sdp", required_argument, NULL, OPT_RTP_SDP},
    {"chat", no_argument, NULL, OPT_CHAT},
    {"sas", no_argument, NULL, OPT_SAS},
    {"expect", required_argument, NULL, OPT_EXPECT},
    {"remember", required_argument, NULL, OPT_REMEMBER},
    {"private", no_argument, NULL, OPT_PRIVATE},
    {"passphrase-file", required_argument, NULL, OPT_PASSPHRASE_FILE},
    {"state", required_argument, NULL, OPT_STATE},
    {"policy", required_argument, NULL, OPT_POLICY},
    {"data-in", required_argument, NULL, OPT_DATA_IN},
    {"data-out", required_argument, NULL, OPT_DATA_OUT},
    {"echo", no_argument, NULL, OPT_ECHO},
    {"answer", no_argument, NULL, OPT_ANSWER},
    {"duration", required_argument, NULL, OPT_DURATION},
    {"wait", required_argument, NULL, OPT_WAIT},
    {"ca", required_argument, NULL, OPT_CA},
    {"connect", required_argument, NULL, OPT_CONNECT},
    {"relay", no_argument, NULL, OPT_RELAY},
    {"loopback", no_argument, NULL, OPT_LOOPBACK},
    {"json", no_argument, NULL, OPT_JSON},
    {"report", required_argument, NULL, OPT_REPORT},
    {"report-addresses", no_argument, NULL, OPT_REPORT_ADDRESSES},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int usage(const char *what)
{
    (void)fprintf(stderr, "sotto call: %s\n\n%s", what, help);
    return SO_EXIT_USAGE;
}

static bool seconds(unsigned *out, const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > SECONDS_MAX)
        return false;
    *out = (unsigned)value;
    return true;
}

bool call_options_is_device(const char *out)
{
    return strcmp(out, "speaker") == 0 || strcmp(out, "window") == 0;
}

static bool has_out(const call_options *o, const char *out)
{
    for (size_t i = 0; i < o->out_count; i++)
        if (strcmp(o->out[i], out) == 0)
            return true;
    return false;
}

size_t call_options_stdin_files(const call_options *o)
{
    size_t count = 0;

    for (size_t i = 0; i < o->data_in_count; i++)
        count += strcmp(o->data_in[i], "-") == 0;
    return count;
}

/* -1, or the exit code */
static int take(call_options *o, int option)
{
    switch (option) {
    case OPT_IN:
        if (o->in_count == CALL_INS)
            return usage("--in can be given twice");
        o->screen |= strcmp(optarg, "screen") == 0;
        o->in[o->in_count++] = optarg;
        break;
    case OPT_OUT:
        if (o->out_count == CALL_OUTS)
            return usage("--out can be given four times");
        if (call_options_is_device(optarg) && has_out(o, optarg))
            return usage("a device can be given to --out once");
        o->out[o->out_count++] = optarg;
        break;
    case OPT_LOOP:
        o->loop = true;
        break;
    case OPT_RTP_IN:
        o->rtp_in = optarg;
        break;
    case OPT_RTP_OUT:
        o->rtp_out = optarg;
        break;
    case OPT_RTP_SDP:
        o->rtp_sdp = optarg;
        break;
    case OPT_CHAT:
        o->chat = true;
        break;
    case OPT_SAS:
        o->sas = true;
        break;
    case OPT_EXPECT:
        o->expect = optarg;
        break;
    case OPT_REMEMBER:
        o->remember = optarg;
        break;
    case OPT_PRIVATE:
        o->private_call = true;
        break;
    case OPT_PASSPHRASE_FILE:
        o->passphrase_file = optarg;
        break;
    case OPT_STATE:
        o->state = optarg;
        break;
    case OPT_POLICY:
        o->policy_file = optarg;
        break;
    case OPT_DATA_IN:
        if (o->data_in_count == SO_FILE_OFFERS)
            return usage("--data-in can be given 16 times");
        o->data_in[o->data_in_count++] = optarg;
        break;
    case OPT_DATA_OUT:
        if (o->data_out != NULL)
            return usage("--data-out can be given once");
        o->data_out = optarg;
        break;
    case OPT_ECHO:
        o->echo = true;
        break;
    case OPT_ANSWER:
        o->answer = true;
        break;
    case OPT_DURATION:
        return seconds(&o->duration, optarg) ? -1 : usage("--duration takes a number of seconds");
    case OPT_WAIT:
        return seconds(&o->wait, optarg) ? -1 : usage("--wait takes a number of seconds");
    case OPT_CA:
        o->ca = optarg;
        break;
    case OPT_CONNECT:
        o->connect_to = optarg;
        break;
    case OPT_RELAY:
        o->relay = true;
        break;
    case OPT_LOOPBACK:
        o->loopback = true;
        break;
    case OPT_JSON:
        o->json = true;
        break;
    case OPT_REPORT:
        o->report = optarg;
        break;
    case OPT_REPORT_ADDRESSES:
        o->report_addresses = true;
        break;
    case 'h':
        (void)fputs(help, stdout);
        return SO_EXIT_OK;
    default:
        return usage("see above"); /* getopt has said what is wrong */
    }
    return -1;
}

static int take_link(call_options *o, const char *link)
{
    so_error err;

    if (so_url_parse(&o->url, link, &err) != SO_OK)
        return usage(err.text);
    if (o->url.fragment == NULL)
        return usage("the link has no secret behind a #; copy it again, whole");
    if (so_invite_parse(&o->invite, o->url.fragment, strlen(o->url.fragment), &err) != SO_OK)
        return usage(err.text);
    o->url.fragment = NULL;
    return -1;
}

int call_options_parse(call_options *o, int argc, char **argv)
{
    static char line[1024];
    bool wait_given = false;
    int option, code;

    *o = (call_options){.wait = WAIT_DEFAULT, .data_fd = -1};
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        wait_given |= option == OPT_WAIT;
        if ((code = take(o, option)) >= 0)
            return code;
    }
    if (o->answer && !wait_given)
        o->wait = 0;
    if (o->echo + (o->in_count > 0) + (o->rtp_in != NULL) > 1)
        return usage("--echo, --in and --rtp-in all say what to send; give one of them");
    if (o->rtp_sdp != NULL && o->rtp_out == NULL)
        return usage("--rtp-sdp describes what goes out by --rtp-out; give that too");
    if (call_options_stdin_files(o) + (o->chat || o->sas) > 1)
        return usage("standard input can be one thing only: lines (--chat, --sas) or a file (--data-in -)");
    if (o->private_call && o->passphrase_file != NULL)
        return usage("--private does without your key, so it needs no --passphrase-file");
    if (optind != argc - 1)
        return usage("give the invitation link");
    if (strcmp(argv[optind], "-") != 0) {
        code = take_link(o, argv[optind]);
        so_wipe(argv[optind], strlen(argv[optind]));
        return code;
    }
    (void)setvbuf(stdin, NULL, _IONBF, 0); /* so that no copy of the link stays in its buffer */
    if (fgets(line, sizeof line, stdin) == NULL)
        return usage("no link came on standard input");
    line[strcspn(line, "\r\n")] = '\0';
    code = take_link(o, line);
    so_wipe(line, sizeof line);
    return code;
}
