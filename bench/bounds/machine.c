/* What this processor can do at most: multiply-adds from registers, and bytes to and from memory.

   machine fma THREADS SECONDS SAMPLES      prints "flops seconds" for each sample: two to a float32 multiply-add
   machine copy THREADS MEBIBYTES SAMPLES   prints "bytes seconds" for each pass of a[i] = b[i]
   machine triad THREADS MEBIBYTES SAMPLES  the same for a[i] = b[i] + s * c[i], over three arrays of so many MiB

   Bytes are those the program names, as STREAM counts them; what a cache fetches before it overwrites is not counted.
   Vectors are the compiler's own, as in reference_cnn.c. */

#include "common.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sums under way: more than latency times units, and with two operands still within 16 or 32 registers. */
#define SUMS (LANES == 8 ? 12 : 24)

#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 24")
#endif

typedef float Vector __attribute__((vector_size(4 * LANES)));

enum { ROUNDS = 10000, MOST_THREADS = 256, MOST_SAMPLES = 1000 };

typedef enum { FMA, COPY, TRIAD } Work;

typedef struct {
    Work work;
    int samples;
    double seconds;       /* of a sample of FMA */
    size_t vectors;       /* of one array */
    Vector *a, *b, *c;
    Meeting meeting;
} Run;

typedef struct {
    Run *run;
    int number;
    Vector result; /* stored, or the compiler would drop the work */
} Thread;

static _Noreturn void refuse(const char *what)
{
    fprintf(stderr, "machine: %s\n", what);
    exit(2);
}

/* ROUNDS times SUMS independent multiply-adds. The factors come from volatile memory, so nothing is known beforehand;
   the sums approach factor / (1 - factor) and stay ordinary numbers. */
static Vector multiply_add(void)
{
    static volatile float factor = 0.5f;
    const Vector by = (Vector){0} + factor;
    Vector sums[SUMS], total = {0};
    UNROLL for (int sum = 0; sum < SUMS; sum++)
        sums[sum] = by + (float)sum;
    for (int round = 0; round < ROUNDS; round++)
        UNROLL for (int sum = 0; sum < SUMS; sum++)
            sums[sum] = sums[sum] * by + by;
    UNROLL for (int sum = 0; sum < SUMS; sum++)
        total += sums[sum];
    return total;
}

/* One pass over the thread's own part of the arrays, which it also was the first to touch. */
static void pass(const Run *run, int number, Work work)
{
    const size_t start = run->vectors * (size_t)number / (size_t)run->meeting.threads;
    const size_t end = run->vectors * ((size_t)number + 1) / (size_t)run->meeting.threads;
    Vector *restrict a = run->a;
    const Vector *restrict b = run->b, *restrict c = run->c;
    static volatile float scale = 3;
    const Vector by = (Vector){0} + scale;
    if (work == COPY)
        for (size_t at = start; at < end; at++)
            a[at] = b[at];
    else
        for (size_t at = start; at < end; at++)
            a[at] = b[at] + by * c[at];
}

/* All threads multiply for as long as thread 0 says; each sample's work is counted over all of them. */
static void sample_fma(Thread *thread, atomic_llong *calls)
{
    Run *run = thread->run;
    for (int sample = 0; sample <= run->samples; sample++) {
        wait_for_all(&run->meeting);
        const double started = now();
        do {
            thread->result += multiply_add();
            atomic_fetch_add(calls, 1);
        } while (now() - started < run->seconds);
        wait_for_all(&run->meeting);
        /* The first sample is warm-up. */
        const double time = now() - started;
        if (thread->number == 0 && sample)
            printf("%.0f %.9f\n", (double)atomic_load(calls) * 2.0 * ROUNDS * SUMS * LANES, time);
        if (thread->number == 0)
            atomic_store(calls, 0);
    }
}

static void sample_memory(Thread *thread)
{
    Run *run = thread->run;
    const size_t arrays = run->work == COPY ? 2 : 3;
    for (int sample = 0; sample <= run->samples; sample++) {
        wait_for_all(&run->meeting);
        const double started = now();
        pass(run, thread->number, run->work);
        wait_for_all(&run->meeting);
        if (thread->number == 0 && sample)
            printf("%zu %.9f\n", arrays * run->vectors * sizeof(Vector), now() - started);
    }
}

static void touch(const Run *run, int number)
{
    const size_t start = run->vectors * (size_t)number / (size_t)run->meeting.threads;
    const size_t end = run->vectors * ((size_t)number + 1) / (size_t)run->meeting.threads;
    for (size_t at = start; at < end; at++)
        run->a[at] = run->b[at] = run->c[at] = (Vector){0} + 1;
}

static void *work(void *argument)
{
    static atomic_llong calls;
    Thread *thread = argument;
    if (thread->run->work == FMA) {
        sample_fma(thread, &calls);
    } else {
        touch(thread->run, thread->number);
        sample_memory(thread);
    }
    return NULL;
}

static Vector *array(size_t vectors)
{
    void *memory = NULL;
    if (posix_memalign(&memory, 4096, vectors * sizeof(Vector)))
        refuse("not enough memory for the arrays");
    return memory;
}

static double number(const char *text, double least, double most)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end || !(value >= least && value <= most)) {
        fprintf(stderr, "machine: %s, expected %g to %g\n", text, least, most);
        exit(2);
    }
    return value;
}

int main(int arguments, char **argument)
{
    static const char *const names[] = {"fma", "copy", "triad"};
    static Thread threads[MOST_THREADS];
    static pthread_t handles[MOST_THREADS];
    static Run run;
    while (arguments == 5 && run.work <= TRIAD && strcmp(argument[1], names[run.work]))
        run.work++;
    if (arguments != 5 || run.work > TRIAD)
        refuse("expected fma THREADS SECONDS SAMPLES or copy|triad THREADS MEBIBYTES SAMPLES");
    run.meeting.threads = (int)number(argument[2], 1, MOST_THREADS);
    run.samples = (int)number(argument[4], 1, MOST_SAMPLES);
    if (run.work == FMA) {
        run.seconds = number(argument[3], 1e-3, 3600);
    } else {
        run.vectors = (size_t)number(argument[3], 1, 1 << 20) * (1 << 20) / sizeof(Vector);
        run.a = array(run.vectors), run.b = array(run.vectors), run.c = array(run.vectors);
    }
    for (int at = 0; at < run.meeting.threads; at++) {
        threads[at] = (Thread){&run, at, {0}};
        if (at && pthread_create(&handles[at], NULL, work, &threads[at]))
            refuse("cannot start a thread");
    }
    work(&threads[0]);
    for (int at = 1; at < run.meeting.threads; at++)
        pthread_join(handles[at], NULL);
    return 0;
}
