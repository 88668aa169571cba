/* The reference CNN's sizes and what a step works on. reference_cnn.c is the network, reference_cnn_main.c runs it. */

#ifndef REFERENCE_CNN_H
#define REFERENCE_CNN_H

#include "common.h"

#include <stdint.h>

enum {
    SIDE = 32, COLOURS = 3, FILTERS1 = 32, FILTERS2 = 16, CLASSES = 10, KERNEL = 3,
    POOLED1 = 14,                          /* of 15: the rest is never read */
    POOLED2 = 6,
    WINDOWS1 = POOLED1 * POOLED1, WINDOWS2 = POOLED2 * POOLED2,
    ROW1 = KERNEL * COLOURS,               /* a row of a kernel reads so many neighbouring floats */
    ROW2 = KERNEL * FILTERS1,
    STRIDE1 = SIDE * COLOURS,              /* floats from one row of the input to the next */
    STRIDE2 = POOLED1 * FILTERS1,
    PADDED1 = LANES == 4 ? 12 : 16,        /* ROW1 in whole vectors */
    FLAT = WINDOWS2 * FILTERS2,
    IMAGE = SIDE * STRIDE1,
    PARAMETERS = KERNEL * ROW1 * FILTERS1 + FILTERS1 + KERNEL * ROW2 * FILTERS2 + FILTERS2 + FLAT * CLASSES + CLASSES,
};

typedef struct {
    _Alignas(64) float conv1[KERNEL * ROW1][FILTERS1];
    float bias1[FILTERS1];
    float conv2[KERNEL * ROW2][FILTERS2];
    float bias2[FILTERS2];
    float dense[CLASSES][FLAT];
    float bias3[CLASSES];
    _Alignas(64) float conv2_by_filter[FILTERS2][KERNEL * ROW2]; /* conv2 again, as the backward pass reads it */
} Weights;

/* A sum over images, filter by filter: a winner adds to one filter's gradient. */
typedef struct {
    _Alignas(64) float conv1[FILTERS1][KERNEL][PADDED1];
    float bias1[FILTERS1];
    float conv2[FILTERS2][KERNEL * ROW2];
    float bias2[FILTERS2];
    float dense[CLASSES][FLAT];
    float bias3[CLASSES];
    double loss;
} Gradient;

/* One image under way. `winner`: how many floats the winning position lies behind its window's first. */
typedef struct {
    _Alignas(64) float pooled1[WINDOWS1][FILTERS1];
    int32_t winner1[WINDOWS1][FILTERS1];
    float pooled2[WINDOWS2][FILTERS2];
    int32_t winner2[WINDOWS2][FILTERS2];
    float d_pooled1[WINDOWS1][FILTERS1];
    float d_pooled2[WINDOWS2][FILTERS2];
    float logits[CLASSES];
} Image;

/* -DCOUNT counts multiply-adds where they are done, padding lanes left out; otherwise nothing of it is compiled. */
enum { CONV1, CONV2, DENSE, D_DENSE, D_CONV2_KERNEL, D_CONV2_INPUT, D_CONV1_KERNEL, PARTS };
#ifdef COUNT
extern int64_t counts[PARTS];
#define COUNTED(part, number) (counts[part] += (number))
#else
#define COUNTED(part, number) ((void)(part))
#endif

/* Compute an image's logits. */
void infer(const Weights *weights, const float *pixels, Image *image);

/* Add an image's gradient and loss to `gradient`; leaves the logits' gradient in `image`. */
void learn(const Weights *weights, const float *pixels, int32_t label, Image *image, Gradient *gradient);

/* Do number `share` of `shares` equal parts of w -= rate * (sum of all shares' gradients). */
void update(Weights *weights, const Gradient *gradients, int shares, int share, float rate);

/* Where number `share` of `shares` parts of `count` things begins. */
static inline int start_of(int count, int share, int shares) { return (int)((int64_t)count * share / shares); }

#endif
