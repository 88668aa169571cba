/* What both programs share: floats in a vector register, the clock, and the meeting of threads. */

#ifndef COMMON_H
#define COMMON_H

#include <sched.h>
#include <stdatomic.h>
#include <time.h>

/* Floats in a vector register. */
#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif

/* Where so many threads wait for each other, again and again. */
typedef struct {
    int threads;
    atomic_int arrived, rounds;
} Meeting;

/* Seconds since some moment. */
static inline double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Spins, giving the core away: a sleeping thread's wake-up would cost as much as an image. */
static inline void wait_for_all(Meeting *meeting)
{
    const int round = atomic_load(&meeting->rounds);
    if (atomic_fetch_add(&meeting->arrived, 1) == meeting->threads - 1) {
        atomic_store(&meeting->arrived, 0);
        atomic_store(&meeting->rounds, round + 1);
    } else
        while (atomic_load(&meeting->rounds) == round)
            sched_yield();
}

#endif
