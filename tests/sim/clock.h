/*
 * Simulated time and randomness for what reads the system's own: OpenSSL's DTLS timer and its random generator, and
 * usrsctp. A program that links clock.c has gettimeofday, time, and read of /dev/urandom of its own; libraries that it
 * loads get these too.
 */
#ifndef SOTTO_TESTS_SIM_CLOCK_H
#define SOTTO_TESTS_SIM_CLOCK_H

#include "base/clock.h"
#include "crypto/random.h"

/* The wall clock where a simulation begins: 2026-01-01. */
#define SIM_EPOCH ((so_unix)1767225600)

/* Time is `now` ms after SIM_EPOCH, and the randomness of OpenSSL and usrsctp follows from seed. Once for each run. */
void sim_begin(uint64_t seed);
void sim_end(void);

so_msec sim_now(void);
void sim_set(so_msec now); /* never back */

/* The same randomness as OpenSSL's. */
so_random sim_random(void);
/* 0 to below - 1. Of another stream than sim_random, so that a test's own dice change no key. */
unsigned sim_dice(unsigned below);

#endif
