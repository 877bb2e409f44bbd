/*
 * Seal, handshake, short string and introductions of docs/protocol.md (sections 4, 6 and 7), under an attacker who is the
 * server and the network. README.md beside this file says what is modelled and what is not; `run` checks every claim.
 *
 * How to read it. There are two ends, A and B, each with SESSIONS sessions one after the other. A session is what begins
 * with a fresh sid: it has a certificate and a nonce of its own too, so that one small number names all three. Session
 * numbers are public, as sids and certificates are; nonces are not until they are sent.
 *
 * There is no process for the attacker and there are no channels. Every message goes to the attacker, and an end may take,
 * at any moment, whatever the attacker can have: what some session has sent (a record that only grows), and what the
 * attacker can make with the secrets it has. That is the usual symbolic attacker (Dolev-Yao), who can delay, drop, repeat,
 * reorder, reflect and pass on, since no step of an end is ever forced. A message that an end refuses ends its session:
 * the same as a session that takes no further step, so that refusals need no step of their own.
 *
 * Switches (-D of spin):
 *   CLAIM=n         which claim is checked; the end of this file lists them
 *   LINK            the attacker has the link secret S
 *   SAME_KEY        both ends have one and the same identity key: two devices of one person
 *   NO_...          one check is left out; the checker must then find the attack
 */
#define SESSIONS 2
#define A 0
#define B 1
#define X 5 /* the attacker's own sid, certificate and nonce */
#define NUMBERS 6
#define owner(s) (((s) - 1) / SESSIONS)
#define other(end) (1 - (end))

/* Where a session is with the seal, and with the short string. */
#define AWAITS_ANSWER 1
#define IN_EPOCH 2
#define AWAITS_COMMIT 1
#define AWAITS_NONCE 2
#define AWAITS_REVEAL 3
#define HAS_STRING 4
#define OVER 5

#if defined(LINK) || defined(NO_SEAL)
#define CAN_FORGE 1 /* the attacker can write what an end takes for the other's */
#else
#define CAN_FORGE 0
#endif

byte used[2];    /* sessions that an end has begun */
byte current[2]; /* its session; 0: none */

bool begun[NUMBERS];
bool opener[NUMBERS];
byte seal[NUMBERS];
byte peer[NUMBERS];     /* the other sid of the epoch */
byte sent[NUMBERS];     /* sealed messages sent: 0 is the state, 1 the description with fingerprint and role */
byte taken[NUMBERS];    /* and taken: the counter that comes next */
byte answers[NUMBERS];  /* of an answer: the offer whose hash it carries, named by the fingerprint in it */
byte said_fp[NUMBERS];  /* the fingerprint in the description that was taken */
bool client[NUMBERS];   /* this end's DTLS role */
byte cert[NUMBERS];     /* the certificate that the DTLS peer proved to have; 0: no handshake is done */
byte sas[NUMBERS];
byte bound_to[NUMBERS]; /* server: the nonce in the commitment that came, ... */
bool bound_here[NUMBERS]; /* ... and whether its context is the one of this association */
byte their_nonce[NUMBERS];
byte searched[NUMBERS]; /* the attacker chose its nonce so that the string is that of this session; 0: it did not */
bool known[NUMBERS];    /* the attacker knows the session's nonce */
bool admitted[NUMBERS]; /* the introduction that came is of the key that was expected */

/* The attacker has the media keys of a session: it is the DTLS peer. */
#define holds(s) (cert[s] == X)
/* A number that the attacker can name. */
#define public(s) ((s) == X || begun[s])

/* ---- section 4: sessions, epochs, the seal ---- */

/*
 * Of a session that is over stays what the attacker may have of it: what it sealed, its commitment, its introduction. All
 * else of it is forgotten, so that states which differ in nothing of consequence are one.
 */
inline bury()
{
    seal[current[me]] = 0;
    taken[current[me]] = 0;
    said_fp[current[me]] = 0;
    bound_to[current[me]] = 0;
    bound_here[current[me]] = false;
    their_nonce[current[me]] = 0;
    searched[current[me]] = 0;
    admitted[current[me]] = false;
    sas[current[me]] = (sas[current[me]] != 0 -> OVER : 0);
}

/* Counter 0 goes out as soon as there is an epoch; the opener's offer with it, the answer when the offer is there. */
inline begin_session(is_opener, other_sid)
{
    bury();
    used[me]++;
    current[me] = me * SESSIONS + used[me];
    begun[current[me]] = true;
    opener[current[me]] = is_opener && !CAN_FORGE;
    peer[current[me]] = other_sid;
    seal[current[me]] = (is_opener -> AWAITS_ANSWER : IN_EPOCH);
    sent[current[me]] = (is_opener || CAN_FORGE -> 0 : 1);
}

/* The server said that somebody is there already: this end opens. Both ends may hear so, or neither. */
inline open_epoch()
{
    used[me] < SESSIONS;
    begin_session(true, 0);
}

/* A hello whose `re` is zeros, with any sid but the own. An opener that awaits its answer ignores it. */
inline take_opening_hello(s)
{
    used[me] < SESSIONS && public(s) && s != current[me] && seal[current[me]] != AWAITS_ANSWER;
    begin_session(false, s);
}

/* A hello whose `re` is this end's sid. */
inline take_answering_hello(s)
{
    seal[current[me]] == AWAITS_ANSWER && public(s) && s != current[me];
    peer[current[me]] = s;
    seal[current[me]] = IN_EPOCH;
    sent[current[me]] = (CAN_FORGE -> 0 : 2);
}

/*
 * Does what session j sealed open at session i? Key and associated data bind S, both sids and who of them sends. Without
 * the sids (NO_SIDS_IN_SEAL) all opens that the other end sealed in any epoch; without the direction one's own messages do.
 */
#if defined(NO_SIDS_IN_SEAL)
#define opens(i, j) (owner(i) != owner(j))
#elif defined(NO_DIRECTION)
#define opens(i, j) ((j == peer[i] && peer[j] == i) || j == i)
#else
#define opens(i, j) (j == peer[i] && peer[j] == i)
#endif

#ifdef NO_COUNTER
#define in_order(i, n) (true)
#else
#define in_order(i, n) (n == taken[i])
#endif

/* Claim 5, which is the seal's own: what opens was sealed by the other end of this epoch, for this one, as its nth. */
inline check_origin(i, j, n)
{
#if CLAIM == 5
    assert(j == peer[i] && peer[j] == i && n == taken[i]);
#endif
    skip;
}

inline take_state(j)
{
    !CAN_FORGE && seal[current[me]] == IN_EPOCH && sent[j] > 0 && opens(current[me], j) && in_order(current[me], 0) &&
        taken[current[me]] < 2;
    check_origin(current[me], j, 0);
    taken[current[me]]++;
}

/* An end that takes an offer answers at once. Honest offers leave the role open, and the answerer becomes client. */
inline use_description(fingerprint, is_client)
{
    said_fp[current[me]] = fingerprint;
    client[current[me]] = is_client;
    if
    :: !CAN_FORGE && !opener[current[me]] -> answers[current[me]] = fingerprint; sent[current[me]] = 2
    :: else
    fi;
    taken[current[me]] = (CAN_FORGE -> 0 : 2);
}

/* The answerer takes an offer; the opener an answer to its own offer (an offer it ignores: it is the impolite one). */
inline take_description(j)
{
    !CAN_FORGE && seal[current[me]] == IN_EPOCH && sent[j] == 2 && opens(current[me], j) && in_order(current[me], 1) &&
        taken[current[me]] > 0 && said_fp[current[me]] == 0 &&
        ((!opener[current[me]] && opener[j]) ||
         (opener[current[me]] && !opener[j] && answers[j] == current[me]));
    check_origin(current[me], j, 1);
    use_description(j, (opener[j] -> true : !client[j]));
}

/*
 * With S, or without a seal, the attacker writes whatever it likes: any certificate, any role. What the ends sealed
 * themselves it could have written as well, so that nothing else needs to be taken then.
 */
inline forge_description(fingerprint, is_client)
{
    CAN_FORGE && seal[current[me]] == IN_EPOCH && said_fp[current[me]] == 0 && public(fingerprint);
    use_description(fingerprint, is_client);
}

/* ---- the DTLS handshake ---- */

#ifdef NO_FINGERPRINT_CHECK
#define fingerprint_holds(i, c) (true)
#else
#define fingerprint_holds(i, c) (said_fp[i] == c)
#endif

#define ready(i) (said_fp[i] != 0 && cert[i] == 0)

/* The client commits at once (section 6), the server waits. */
inline begin_string(i)
{
    sas[i] = (client[i] -> AWAITS_NONCE : AWAITS_COMMIT);
#ifdef NO_SECRECY
    known[i] = known[i] || (holds(i) && client[i]); /* a commitment that gives the nonce away */
#endif
#ifdef NO_ORDER
    known[i] = known[i] || (holds(i) && !client[i]); /* a server that says its nonce before it is committed to */
#endif
}

/* The attacker shakes hands itself. It can prove its own certificate only. */
inline shake_hands_with_attacker()
{
    ready(current[me]) && fingerprint_holds(current[me], X);
    cert[current[me]] = X;
    begin_string(current[me]);
}

/* The attacker lets the two ends' datagrams through: DTLS gives both one key, and each the other's certificate, or none. */
inline shake_hands_with_each_other()
{
    me == A && current[A] != 0 && current[B] != 0 && ready(current[A]) && ready(current[B]) &&
        client[current[A]] != client[current[B]] && fingerprint_holds(current[A], current[B]) &&
        fingerprint_holds(current[B], current[A]);
    cert[current[A]] = current[B];
    cert[current[B]] = current[A];
    begin_string(current[A]);
    begin_string(current[B]);
}

/* ---- section 6: the short string ---- */

/* ctx = fpC || fpS || sidC || sidS, as session i sees it. */
#ifdef FINGERPRINTS_AS_SAID
#define peer_fp(i) said_fp[i]
#else
#define peer_fp(i) cert[i]
#endif
#define fp_c(i) (client[i] -> i : peer_fp(i))
#define fp_s(i) (client[i] -> peer_fp(i) : i)
#define sid_c(i) (client[i] -> i : peer[i])
#define sid_s(i) (client[i] -> peer[i] : i)
#ifdef NO_FINGERPRINTS_IN_CONTEXT
#define same_fps(i, j) (true)
#else
#define same_fps(i, j) (fp_c(i) == fp_c(j) && fp_s(i) == fp_s(j))
#endif
#ifdef NO_SIDS_IN_CONTEXT
#define same_sids(i, j) (true)
#else
#define same_sids(i, j) (sid_c(i) == sid_c(j) && sid_s(i) == sid_s(j))
#endif
#define same_context(i, j) (same_fps(i, j) && same_sids(i, j))

/*
 * The string is 32 bits of a hash over context and nonces. Two strings are equal when all of that is; else only by chance,
 * 1 in 2^32, which is left out here, or by search: whoever picks one nonce while knowing all else that goes into both
 * strings tries nonces until they are equal. So `searched` is the one way to an equal string of another association, and
 * it is open to the attacker exactly when it still has a nonce to pick for i and knows the nonces of both ends, i and j.
 */
#define can_search(i, j) (known[i] && known[j] && j == current[other(me)])
#define nonce_c(i) (client[i] -> i : their_nonce[i])
#define nonce_s(i) (client[i] -> their_nonce[i] : i)
#define same_string(i, j) \
    (sas[i] == HAS_STRING && sas[j] == HAS_STRING && \
     (searched[i] == j || searched[j] == i || \
      (same_context(i, j) && nonce_c(i) == nonce_c(j) && nonce_s(i) == nonce_s(j))))

#define nonce_known(n) (n == X || known[n])

/* Client: a nonce comes, the own one is revealed. A nonce equal to the own is refused as reflected. */
inline take_nonce_from_peer()
{
    sas[current[me]] == AWAITS_NONCE && cert[current[me]] != X && sas[cert[current[me]]] == AWAITS_REVEAL;
    their_nonce[current[me]] = cert[current[me]];
    sas[current[me]] = HAS_STRING;
}

inline take_nonce_from_attacker(n)
{
    sas[current[me]] == AWAITS_NONCE && holds(current[me]) && nonce_known(n) && n != current[me];
    their_nonce[current[me]] = n;
    known[current[me]] = true;
    sas[current[me]] = HAS_STRING;
}

inline take_searched_nonce(j)
{
    sas[current[me]] == AWAITS_NONCE && holds(current[me]) && can_search(current[me], j);
    their_nonce[current[me]] = X;
    searched[current[me]] = j;
    sas[current[me]] = HAS_STRING;
}

/* Server: a commitment comes, the own nonce is sent. */
inline take_commit_from_peer()
{
    sas[current[me]] == AWAITS_COMMIT && cert[current[me]] != X && sas[cert[current[me]]] == AWAITS_NONCE;
    bound_to[current[me]] = cert[current[me]];
    bound_here[current[me]] = same_context(current[me], cert[current[me]]);
    sas[current[me]] = AWAITS_REVEAL;
}

inline be_bound(n)
{
    bound_to[current[me]] = n;
    known[current[me]] = true;
    sas[current[me]] = AWAITS_REVEAL;
}

/* To a nonce that it knows the attacker commits in any context; ... */
inline take_commit_from_attacker(n)
{
    sas[current[me]] == AWAITS_COMMIT && holds(current[me]) && nonce_known(n) && n != current[me];
    bound_here[current[me]] = true;
    be_bound(n);
}

/* ... of another end's nonce it can pass the commitment on, as it stands. */
inline take_commit_passed_on(j)
{
    sas[current[me]] == AWAITS_COMMIT && holds(current[me]) && j != current[me] && holds(j) && client[j] &&
        sas[j] >= AWAITS_NONCE;
    bound_here[current[me]] = same_context(current[me], j);
    be_bound(j);
}

inline take_searched_commit(j)
{
    sas[current[me]] == AWAITS_COMMIT && holds(current[me]) && can_search(current[me], j);
    searched[current[me]] = j;
    bound_here[current[me]] = true;
    be_bound(X);
}

#ifdef NO_COMMITMENT
#define fits(i, n) (true)
#else
#define fits(i, n) (n == bound_to[i] && bound_here[i])
#endif

/* Server: the reveal comes, and must fit. */
inline take_reveal_from_peer()
{
    sas[current[me]] == AWAITS_REVEAL && cert[current[me]] != X && sas[cert[current[me]]] == HAS_STRING &&
        fits(current[me], cert[current[me]]);
    their_nonce[current[me]] = cert[current[me]];
    sas[current[me]] = HAS_STRING;
}

inline take_reveal_from_attacker(n)
{
    sas[current[me]] == AWAITS_REVEAL && holds(current[me]) && nonce_known(n) && n != current[me] &&
        fits(current[me], n);
    their_nonce[current[me]] = n;
    sas[current[me]] = HAS_STRING;
}

/* A nonce found by search is a new one: no commitment fits it that was made to another. */
#ifdef NO_COMMITMENT
#define may_search_reveal true
#else
#define may_search_reveal false
#endif
inline take_searched_reveal(j)
{
    may_search_reveal && sas[current[me]] == AWAITS_REVEAL && holds(current[me]) && can_search(current[me], j);
    their_nonce[current[me]] = X;
    searched[current[me]] = j;
    sas[current[me]] = HAS_STRING;
}

/* ---- section 7: introductions, where each end expects the other's key (section 8) ---- */

#ifdef SAME_KEY
#define expected(i, j) (true)
#else
#define expected(i, j) (owner(i) != owner(j))
#endif
#ifdef NO_ROLE
#define other_role(i, j) (true)
#else
#define other_role(i, j) (client[i] != client[j])
#endif
#ifdef NO_ASSOCIATION
#define of_this_association(i, j) (true)
#else
#define of_this_association(i, j) (same_context(i, j))
#endif

/*
 * Every session introduces itself when its handshake is done. The attacker has the introductions of the sessions whose peer
 * it is, this one's among them, and can sign with its own key only, which nobody expects.
 */
inline take_introduction(j)
{
#if CLAIM == 3 || CLAIM == 13
    cert[current[me]] != 0 && !admitted[current[me]] && cert[j] != 0 &&
        (cert[current[me]] == j || (holds(current[me]) && holds(j))) && expected(current[me], j) &&
        other_role(current[me], j) && of_this_association(current[me], j);
    admitted[current[me]] = true;
#else
    false;
#endif
}

/* ---- the ends ---- */

#define EACH_SESSION(step) \
    :: atomic { step(1) } :: atomic { step(2) } :: atomic { step(3) } :: atomic { step(4) }
#define EACH_NUMBER(step) EACH_SESSION(step) :: atomic { step(X) }

proctype end(bit me)
{
endless:
    do
    :: atomic { open_epoch() }
    EACH_NUMBER(take_opening_hello)
    EACH_NUMBER(take_answering_hello)
    EACH_SESSION(take_state)
    EACH_SESSION(take_description)
    :: atomic { forge_description(1, true) } :: atomic { forge_description(1, false) }
    :: atomic { forge_description(2, true) } :: atomic { forge_description(2, false) }
    :: atomic { forge_description(3, true) } :: atomic { forge_description(3, false) }
    :: atomic { forge_description(4, true) } :: atomic { forge_description(4, false) }
    :: atomic { forge_description(X, true) } :: atomic { forge_description(X, false) }
    :: atomic { shake_hands_with_attacker() }
    :: atomic { shake_hands_with_each_other() }
    :: atomic { take_nonce_from_peer() }
    EACH_NUMBER(take_nonce_from_attacker)
    EACH_SESSION(take_searched_nonce)
    :: atomic { take_commit_from_peer() }
    EACH_NUMBER(take_commit_from_attacker)
    EACH_SESSION(take_commit_passed_on)
    EACH_SESSION(take_searched_commit)
    :: atomic { take_reveal_from_peer() }
    EACH_NUMBER(take_reveal_from_attacker)
    EACH_SESSION(take_searched_reveal)
    EACH_SESSION(take_introduction)
    od
}

/*
 * ---- the claims ----
 * 1  No end that lets media flow has keys that the attacker holds. (Without the link.)
 * 2  The two people never say "same" while the attacker holds the keys of either's association. They compare over a way
 *    that the attacker does not control, so they say "same" when the strings are the same, and only then.
 * 3  An end that expects a known person lets the attacker in under no circumstances.
 * 4  People who said "same" agree on everything: certificates, roles and sids.
 * 5  (check_origin) What the seal opens is what the other end sealed, for this end, in this order.
 * 11 to 13 are there to be broken: media, "same", and a person recognised can be reached, also in the second session.
 */
#define a current[A]
#define b current[B]
#define both_say_same (a != 0 && b != 0 && same_string(a, b))
#define agreed (cert[a] == b && cert[b] == a && peer[a] == b && peer[b] == a && client[a] != client[b])

#if CLAIM == 1
#define wrong (holds(a) || holds(b))
#elif CLAIM == 2
#define wrong (both_say_same && (holds(a) || holds(b)))
#elif CLAIM == 3
#define wrong ((admitted[a] && holds(a)) || (admitted[b] && holds(b)))
#elif CLAIM == 4
#define wrong (both_say_same && !agreed)
#elif CLAIM == 5
#define wrong (false)
#elif CLAIM == 11
#define wrong (a == SESSIONS && cert[a] == b && cert[b] == a)
#elif CLAIM == 12
#define wrong (a == SESSIONS && both_say_same && agreed)
#elif CLAIM == 13
#define wrong (admitted[a] && admitted[b] && agreed)
#endif

active proctype claim()
{
endless:
    do
    :: atomic { wrong -> assert(!wrong) }
    od
}

init
{
    atomic { run end(A); run end(B) }
}
