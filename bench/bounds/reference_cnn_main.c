/* Runs the reference CNN of reference_cnn.c: reads weights and images, shares the batch among threads, tells the time.

   reference_cnn train FILE THREADS BATCH SECONDS SAMPLES   prints "images seconds" for each sample
   reference_cnn infer FILE THREADS BATCH SECONDS SAMPLES   the same without the backward pass
   reference_cnn check FILE THREADS BATCH STEPS OUT         writes the first batch's logits, STEPS losses, the weights
   reference_cnn count FILE THREADS BATCH                   built with -DCOUNT: multiply-adds of one step, by part */

#include "reference_cnn.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 256, MOST_SAMPLES = 1000 };

/* ---- Files ------------------------------------------------------------------------------------------------------ */

static _Noreturn void refuse(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("reference_cnn: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    exit(2);
}

static void *room(size_t bytes)
{
    void *memory = NULL;
    if (posix_memalign(&memory, 64, bytes))
        refuse("no memory for %zu bytes", bytes);
    return memset(memory, 0, bytes);
}

/* A file is `Header`, the weights in neutral order, images (count, 32, 32, 3), all float32, and labels as int32. */
typedef struct {
    char magic[8];
    int32_t images;
    float rate;
} Header;

typedef struct {
    int images;
    float rate;
    Weights *weights;
    float *pixels;
    int32_t *labels;
} Task;

static void unpack(const float *from, Weights *weights)
{
    memcpy(weights->conv1, from, sizeof weights->conv1), from += KERNEL * ROW1 * FILTERS1;
    memcpy(weights->bias1, from, sizeof weights->bias1), from += FILTERS1;
    memcpy(weights->conv2, from, sizeof weights->conv2), from += KERNEL * ROW2 * FILTERS2;
    memcpy(weights->bias2, from, sizeof weights->bias2), from += FILTERS2;
    for (int at = 0; at < FLAT; at++)
        for (int class = 0; class < CLASSES; class++)
            weights->dense[class][at] = *from++;
    memcpy(weights->bias3, from, sizeof weights->bias3);
    for (int tap = 0; tap < KERNEL * ROW2; tap++)
        for (int filter = 0; filter < FILTERS2; filter++)
            weights->conv2_by_filter[filter][tap] = weights->conv2[tap][filter];
}

static void write_weights(const Weights *weights, FILE *file)
{
    fwrite(weights->conv1, sizeof weights->conv1, 1, file);
    fwrite(weights->bias1, sizeof weights->bias1, 1, file);
    fwrite(weights->conv2, sizeof weights->conv2, 1, file);
    fwrite(weights->bias2, sizeof weights->bias2, 1, file);
    for (int at = 0; at < FLAT; at++)
        for (int class = 0; class < CLASSES; class++)
            fwrite(&weights->dense[class][at], sizeof(float), 1, file);
    fwrite(weights->bias3, sizeof weights->bias3, 1, file);
}

static Task read_task(const char *name)
{
    FILE *file = fopen(name, "rb");
    if (!file)
        refuse("cannot open %s", name);
    Header header;
    if (fread(&header, sizeof header, 1, file) != 1 || memcmp(header.magic, "dlpcnn1", 8) || header.images < 1)
        refuse("%s: not a task: expected the mark dlpcnn1 and a number of images", name);
    Task task = {header.images, header.rate, room(sizeof(Weights)), NULL, NULL};
    const size_t count = (size_t)header.images;
    float *neutral = room(PARAMETERS * sizeof(float));
    task.pixels = room(count * IMAGE * sizeof(float));
    task.labels = room(count * sizeof(int32_t));
    if (fread(neutral, sizeof(float), PARAMETERS, file) != PARAMETERS ||
        fread(task.pixels, IMAGE * sizeof(float), count, file) != count ||
        fread(task.labels, sizeof(int32_t), count, file) != count || fgetc(file) != EOF)
        refuse("%s: expected the weights, images and labels of %d images, no more and no less", name, header.images);
    for (size_t at = 0; at < count; at++)
        if (task.labels[at] < 0 || task.labels[at] >= CLASSES)
            refuse("%s: label %d of image %zu, expected 0 to 9", name, task.labels[at], at);
    unpack(neutral, task.weights);
    free(neutral);
    fclose(file);
    return task;
}

/* ---- Threads ---------------------------------------------------------------------------------------------------- */

typedef enum { TRAIN, INFER } Work;

/* What the threads share. Between two barriers thread 0 alone writes `first`, `done`, `stop` and the samples. */
typedef struct {
    Task task;
    Work work;
    int batch;
    int steps;         /* end after so many, or, when 0, time samples */
    int samples;
    double seconds;
    float *losses;     /* one a step, when wanted */
    float *logits;     /* of the images of one step, when wanted */
    Gradient *gradients;
    int first, done;   /* the batch's first image; steps since `started` */
    bool stop, warm;
    int sampled;       /* samples so far */
    double started;
    Meeting meeting;
} Run;

typedef struct {
    Run *run;
    int number;
} Thread;

/* Count a step and print a sample when its time is over; the first stretch is warm-up. */
static void keep_time(Run *run)
{
    run->done++;
    run->first += run->batch;
    if (run->first + run->batch > run->task.images)
        run->first = 0;
    if (run->steps) {
        run->stop = run->done == run->steps;
        return;
    }
    const double time = now() - run->started;
    if (time < run->seconds)
        return;
    if (run->warm)
        printf("%lld %.9f\n", (long long)run->done * run->batch, time), run->sampled++;
    run->warm = true;
    run->done = 0;
    run->started = now();
    run->stop = run->sampled == run->samples;
}

static void step(Run *run, int number, Image *image)
{
    Gradient *gradient = &run->gradients[number];
    if (run->work == TRAIN)
        memset(gradient, 0, sizeof *gradient);
    const int end = start_of(run->batch, number + 1, run->meeting.threads);
    for (int at = start_of(run->batch, number, run->meeting.threads); at < end; at++) {
        const float *pixels = run->task.pixels + (size_t)(run->first + at) * IMAGE;
        if (run->work == TRAIN)
            learn(run->task.weights, pixels, run->task.labels[run->first + at], image, gradient);
        else
            infer(run->task.weights, pixels, image);
        if (run->logits)
            memcpy(run->logits + at * CLASSES, image->logits, sizeof image->logits);
    }
    wait_for_all(&run->meeting);
    if (run->work == TRAIN)
        update(run->task.weights, run->gradients, run->meeting.threads, number, run->task.rate / (float)run->batch);
    if (number == 0 && run->losses) {
        double loss = 0;
        for (int other = 0; other < run->meeting.threads; other++)
            loss += run->gradients[other].loss;
        run->losses[run->done] = (float)(loss / run->batch);
    }
    if (number == 0)
        keep_time(run);
    wait_for_all(&run->meeting);
}

static void *work(void *argument)
{
    Thread *thread = argument;
    Image *image = room(sizeof *image);
    while (!thread->run->stop)
        step(thread->run, thread->number, image);
    free(image);
    return NULL;
}

static void perform(Run *run)
{
    static Thread threads[MOST_THREADS];
    static pthread_t handles[MOST_THREADS];
    run->gradients = room((size_t)run->meeting.threads * sizeof(Gradient));
    run->first = run->done = 0;
    run->stop = false;
    run->started = now();
    for (int number = 0; number < run->meeting.threads; number++) {
        threads[number] = (Thread){run, number};
        if (number && pthread_create(&handles[number], NULL, work, &threads[number]))
            refuse("cannot start thread %d of %d", number + 1, run->meeting.threads);
    }
    work(&threads[0]);
    for (int number = 1; number < run->meeting.threads; number++)
        pthread_join(handles[number], NULL);
    free(run->gradients);
}

/* ---- Command line ----------------------------------------------------------------------------------------------- */

static double number(const char *text, const char *what, double least, double most)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || *end || !(value >= least && value <= most))
        refuse("%s %s, expected %g to %g", what, text, least, most);
    return value;
}

static void check(Run *run, const char *name)
{
    const size_t logits = (size_t)run->batch * CLASSES, losses = (size_t)run->steps;
    run->logits = room(logits * sizeof(float));
    run->work = INFER;
    const int steps = run->steps;
    run->steps = 1;
    perform(run);
    FILE *file = fopen(name, "wb");
    if (!file)
        refuse("cannot write %s", name);
    fwrite(run->logits, sizeof(float), logits, file);
    run->logits = NULL;
    run->losses = room(losses * sizeof(float));
    run->work = TRAIN;
    run->steps = steps;
    perform(run);
    fwrite(run->losses, sizeof(float), losses, file);
    write_weights(run->task.weights, file);
    if (fclose(file))
        refuse("cannot write %s", name);
}

static void count(Run *run)
{
#ifdef COUNT
    static const char *const part_names[PARTS] = {
        "conv1", "conv2", "dense", "d_dense", "d_conv2_kernel", "d_conv2_input", "d_conv1_kernel",
    };
    if (run->meeting.threads != 1)
        refuse("counts with one thread only");
    run->steps = 1;
    perform(run);
    for (int part = 0; part < PARTS; part++)
        printf("%s %lld\n", part_names[part], (long long)counts[part]);
#else
    (void)run;
    refuse("count needs a build with -DCOUNT");
#endif
}

int main(int arguments, char **argument)
{
    const char *mode = arguments > 1 ? argument[1] : "";
    const bool timed = !strcmp(mode, "train") || !strcmp(mode, "infer"), counted = !strcmp(mode, "count");
    if (!(timed || counted || !strcmp(mode, "check")) || arguments != (counted ? 5 : 7))
        refuse("expected train|infer FILE THREADS BATCH SECONDS SAMPLES, check FILE THREADS BATCH STEPS OUT "
               "or count FILE THREADS BATCH");
    static Run run;
    run.meeting.threads = (int)number(argument[3], "threads", 1, MOST_THREADS);
    run.task = read_task(argument[2]);
    run.batch = (int)number(argument[4], "batch size", 1, run.task.images);
    run.work = strcmp(mode, "infer") ? TRAIN : INFER;
    if (timed) {
        run.seconds = number(argument[5], "seconds", 1e-3, 3600);
        run.samples = (int)number(argument[6], "samples", 1, MOST_SAMPLES);
        perform(&run);
    } else if (counted) {
        count(&run);
    } else {
        run.steps = (int)number(argument[5], "steps", 1, 1e6);
        check(&run, argument[6]);
    }
    return 0;
}
