/* The reference CNN in plain C: how fast this processor can train it when nothing stands between the two.

   Conv 3x3 (3 to 32), ReLU, max-pool 2, conv 3x3 (32 to 16), ReLU, max-pool 2, dense 576 to 10, softmax, cross-entropy,
   plain SGD; float32, channels last. It computes what bench/reference.py computes, to rounding, and is checked against
   it before it is timed. Four things make it fast, none of them clever:

   1. A convolution, its ReLU and its pool are one loop: the 2x2 sums of a pool window stay in registers.
   2. A max-pool sends its gradient to the winner alone. Three quarters of the convolutions' output gradient is zero,
      so the backward pass visits winners only. (Those that the ReLU silenced are visited all the same, with a
      gradient of zero: the work does not depend on the data.)
   3. A pool of 2 leaves the last row and column of 13x13 unread, and with them the last ones of the 15x15 below.
      They are not computed.
   4. An image goes forward and backward at once, while all it needs is in the nearest caches; threads share the batch,
      each sums its own gradient.

   Vectors are the compiler's own (GCC and Clang), as wide as the target's registers: no intrinsics, no assembly. */

#include "reference_cnn.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* ---- Vectors ---------------------------------------------------------------------------------------------------- */

/* Windows side by side, vectors of filters: enough sums to keep two multiply-add units busy for their latency of four
   cycles, and few enough for the registers (32 with AVX-512 and NEON, 16 with AVX2). */
#define WINDOWS (LANES == 16 ? 2 : 1)
#define VECTORS (LANES == 4 ? 4 : 2)
/* Kernel rows of the second convolution whose gradient fits into registers at once. */
#define ROWS (LANES == 16 ? 3 : 1)

#define INLINE static inline __attribute__((always_inline))
/* All of a short loop written out, so that its sums have registers of their own. */
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 24")
#endif

typedef float Vector __attribute__((vector_size(4 * LANES)));
typedef int32_t Lanes __attribute__((vector_size(4 * LANES)));
/* The same at any address, for loads and stores. */
typedef float Floats __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t Ints __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

INLINE Vector load(const float *from) { return *(const Floats *)from; }
INLINE void store(float *to, Vector values) { *(Floats *)to = values; }
INLINE void add_to(float *to, Vector values) { store(to, load(to) + values); }
INLINE Lanes choose(Lanes where, Lanes yes, Lanes no) { return (where & yes) | (~where & no); }
INLINE Vector keep(Lanes where, Vector values) { return (Vector)(where & (Lanes)values); }

static float sum_of(Vector values)
{
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++)
        sum += values[lane];
    return sum;
}

#ifdef COUNT
int64_t counts[PARTS];
#endif

/* ---- Forward ---------------------------------------------------------------------------------------------------- */

/* Keep the largest of a window's four sums, unless negative, and say where it was; the first of equals wins. */
INLINE void pool(Vector sums[4][VECTORS], int vector, const int32_t offsets[4], float *pooled, int32_t *winner)
{
    Vector best = sums[0][vector];
    Lanes where = (Lanes){0};
    UNROLL for (int position = 1; position < 4; position++) {
        Lanes better = sums[position][vector] > best;
        best = (Vector)choose(better, (Lanes)sums[position][vector], (Lanes)best);
        where = choose(better, (Lanes){0} + offsets[position], where);
    }
    store(pooled, keep(best > (Vector){0}, best));
    if (winner)
        *(Ints *)winner = where;
}

/* Convolution, ReLU and pool in one. The four positions of a window and some vectors of filters are summed at once:
   each kernel value loaded serves four positions, each input value several filters. */
INLINE void convolve(const float *input, int channels, int stride, const float *kernel, const float *bias, int filters,
                     int side, float *pooled, int32_t *winner, int part)
{
    const int vectors = filters / LANES < VECTORS ? filters / LANES : VECTORS;
    const int32_t offsets[4] = {0, channels, stride, stride + channels};
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x += WINDOWS)
            for (int filter = 0; filter < filters; filter += vectors * LANES) {
                const float *corner = input + 2 * y * stride + 2 * x * channels;
                Vector sums[WINDOWS][4][VECTORS];
                UNROLL for (int window = 0; window < WINDOWS; window++)
                    UNROLL for (int position = 0; position < 4; position++)
                        UNROLL for (int vector = 0; vector < vectors; vector++)
                            sums[window][position][vector] = load(bias + filter + vector * LANES);
                for (int row = 0; row < KERNEL; row++)
                    for (int tap = 0; tap < KERNEL * channels; tap++) {
                        const float *weights = kernel + (row * KERNEL * channels + tap) * filters + filter;
                        const float *values = corner + row * stride + tap;
                        UNROLL for (int window = 0; window < WINDOWS; window++)
                            UNROLL for (int position = 0; position < 4; position++)
                                UNROLL for (int vector = 0; vector < vectors; vector++)
                                    sums[window][position][vector] +=
                                        load(weights + vector * LANES) *
                                        values[2 * window * channels + offsets[position]];
                        COUNTED(part, WINDOWS * 4 * vectors * LANES);
                    }
                UNROLL for (int window = 0; window < WINDOWS; window++)
                    UNROLL for (int vector = 0; vector < vectors; vector++) {
                        int at = (y * side + x + window) * filters + filter + vector * LANES;
                        pool(sums[window], vector, offsets, pooled + at, winner ? winner + at : NULL);
                    }
            }
}

static void connect(const Weights *weights, Image *image)
{
    const float *flat = &image->pooled2[0][0];
    for (int class = 0; class < CLASSES; class++) {
        Vector sum = (Vector){0};
        for (int at = 0; at < FLAT; at += LANES) {
            sum += load(flat + at) * load(&weights->dense[class][at]);
            COUNTED(DENSE, LANES);
        }
        image->logits[class] = sum_of(sum) + weights->bias3[class];
    }
}

/* Twice, since training must know the winners and inference need not. */
static void forward(const Weights *weights, const float *pixels, Image *image)
{
    convolve(pixels, COLOURS, STRIDE1, &weights->conv1[0][0], weights->bias1, FILTERS1, POOLED1, &image->pooled1[0][0],
             &image->winner1[0][0], CONV1);
    convolve(&image->pooled1[0][0], FILTERS1, STRIDE2, &weights->conv2[0][0], weights->bias2, FILTERS2, POOLED2,
             &image->pooled2[0][0], &image->winner2[0][0], CONV2);
    connect(weights, image);
}

void infer(const Weights *weights, const float *pixels, Image *image)
{
    convolve(pixels, COLOURS, STRIDE1, &weights->conv1[0][0], weights->bias1, FILTERS1, POOLED1, &image->pooled1[0][0],
             NULL, CONV1);
    convolve(&image->pooled1[0][0], FILTERS1, STRIDE2, &weights->conv2[0][0], weights->bias2, FILTERS2, POOLED2,
             &image->pooled2[0][0], NULL, CONV2);
    connect(weights, image);
}

/* ---- Backward --------------------------------------------------------------------------------------------------- */

/* Turn logits into the gradient of the cross-entropy: softmax less one at the label. Returns the loss. */
static float cross_entropy(float logits[CLASSES], int32_t label)
{
    float largest = logits[0], sum = 0;
    for (int class = 1; class < CLASSES; class++)
        largest = logits[class] > largest ? logits[class] : largest;
    const float shifted = logits[label] - largest;
    for (int class = 0; class < CLASSES; class++)
        sum += logits[class] = expf(logits[class] - largest);
    for (int class = 0; class < CLASSES; class++)
        logits[class] /= sum;
    logits[label] -= 1;
    return logf(sum) - shifted;
}

/* Leaves the second pool's gradient in d_pooled2, the second ReLU's zeros in it. */
static void connect_back(const Weights *weights, Image *image, Gradient *gradient)
{
    const float *d_logits = image->logits, *flat = &image->pooled2[0][0];
    for (int class = 0; class < CLASSES; class++)
        gradient->bias3[class] += d_logits[class];
    for (int at = 0; at < FLAT; at += LANES) {
        const Vector values = load(flat + at);
        Vector sum = (Vector){0};
        UNROLL for (int class = 0; class < CLASSES; class++) {
            sum += d_logits[class] * load(&weights->dense[class][at]);
            add_to(&gradient->dense[class][at], d_logits[class] * values);
            COUNTED(D_DENSE, 2 * LANES);
        }
        sum = keep(values > (Vector){0}, sum);
        store(&image->d_pooled2[0][0] + at, sum);
        add_to(&gradient->bias2[at % FILTERS2], sum);
    }
}

/* A filter's gradient: the sum over its 36 winners of what each one saw, times its gradient. A row of what it saw is 96
   neighbouring floats, and their sums stay in registers for all 36. */
static void conv2_kernel_gradient(const Image *image, Gradient *gradient)
{
    for (int filter = 0; filter < FILTERS2; filter++)
        for (int row = 0; row < KERNEL; row += ROWS) {
            Vector sums[ROWS][ROW2 / LANES] = {0};
            for (int window = 0; window < WINDOWS2; window++) {
                const int corner = window / POOLED2 * 2 * STRIDE2 + window % POOLED2 * 2 * FILTERS1;
                const float *seen = &image->pooled1[0][0] + corner + image->winner2[window][filter] + row * STRIDE2;
                const float slope = image->d_pooled2[window][filter];
                UNROLL for (int below = 0; below < ROWS; below++)
                    UNROLL for (int part = 0; part < ROW2 / LANES; part++)
                        sums[below][part] += slope * load(seen + below * STRIDE2 + part * LANES);
                COUNTED(D_CONV2_KERNEL, ROWS * ROW2);
            }
            UNROLL for (int below = 0; below < ROWS; below++)
                UNROLL for (int part = 0; part < ROW2 / LANES; part++)
                    add_to(&gradient->conv2[filter][(row + below) * ROW2 + part * LANES], sums[below][part]);
        }
}

/* Each winner adds its filter, times its gradient, to the nine pixels that it saw. */
static void conv2_input_gradient(const Weights *weights, Image *image)
{
    memset(image->d_pooled1, 0, sizeof image->d_pooled1);
    for (int window = 0; window < WINDOWS2; window++)
        for (int filter = 0; filter < FILTERS2; filter++) {
            const int corner = window / POOLED2 * 2 * STRIDE2 + window % POOLED2 * 2 * FILTERS1;
            float *seen = &image->d_pooled1[0][0] + corner + image->winner2[window][filter];
            const float slope = image->d_pooled2[window][filter];
            UNROLL for (int row = 0; row < KERNEL; row++)
                UNROLL for (int part = 0; part < ROW2; part += LANES)
                    add_to(seen + row * STRIDE2 + part,
                           slope * load(&weights->conv2_by_filter[filter][row * ROW2 + part]));
            COUNTED(D_CONV2_INPUT, KERNEL * ROW2);
        }
}

/* As in the second convolution, a row of windows at a time. A kernel row is nine floats here: the vectors read on into
   the next pixels, and what they sum there is never used. */
static void conv1_kernel_gradient(const float *pixels, const Image *image, Gradient *gradient)
{
    for (int y = 0; y < POOLED1; y++)
        for (int filter = 0; filter < FILTERS1; filter++) {
            /* Two windows under way, or each multiply-add would wait for the one before. */
            Vector sums[2][KERNEL][PADDED1 / LANES] = {0};
            for (int x = 0; x < POOLED1; x += 2)
                UNROLL for (int next = 0; next < 2; next++) {
                    const int window = y * POOLED1 + x + next;
                    const int corner = 2 * y * STRIDE1 + 2 * (x + next) * COLOURS;
                    const float *seen = pixels + corner + image->winner1[window][filter];
                    const float slope = image->d_pooled1[window][filter];
                    UNROLL for (int row = 0; row < KERNEL; row++)
                        UNROLL for (int part = 0; part < PADDED1 / LANES; part++)
                            sums[next][row][part] += slope * load(seen + row * STRIDE1 + part * LANES);
                    COUNTED(D_CONV1_KERNEL, KERNEL * ROW1);
                }
            UNROLL for (int row = 0; row < KERNEL; row++)
                UNROLL for (int part = 0; part < PADDED1 / LANES; part++)
                    add_to(&gradient->conv1[filter][row][part * LANES], sums[0][row][part] + sums[1][row][part]);
        }
}

static void silence1(Image *image, Gradient *gradient)
{
    for (int window = 0; window < WINDOWS1; window++)
        for (int filter = 0; filter < FILTERS1; filter += LANES) {
            float *slopes = &image->d_pooled1[window][filter];
            store(slopes, keep(load(&image->pooled1[window][filter]) > (Vector){0}, load(slopes)));
            add_to(&gradient->bias1[filter], load(slopes));
        }
}

void learn(const Weights *weights, const float *pixels, int32_t label, Image *image, Gradient *gradient)
{
    forward(weights, pixels, image);
    gradient->loss += cross_entropy(image->logits, label);
    connect_back(weights, image, gradient);
    conv2_kernel_gradient(image, gradient);
    conv2_input_gradient(weights, image);
    silence1(image, gradient);
    conv1_kernel_gradient(pixels, image, gradient);
}

/* ---- Update ----------------------------------------------------------------------------------------------------- */

/* One thread's share of w -= rate * (sum of all threads' gradients), and of conv2's second copy. */
void update(Weights *weights, const Gradient *gradients, int shares, int share, float rate)
{
#define SUM(member) \
    ({ float sum = 0; for (int other = 0; other < shares; other++) sum += gradients[other].member; sum; })
#define SHARED(name, count) int name = start_of(count, share, shares); name < start_of(count, share + 1, shares); name++
    for (SHARED(filter, FILTERS1)) {
        for (int tap = 0; tap < KERNEL * ROW1; tap++)
            weights->conv1[tap][filter] -= rate * SUM(conv1[filter][tap / ROW1][tap % ROW1]);
        weights->bias1[filter] -= rate * SUM(bias1[filter]);
    }
    for (SHARED(filter, FILTERS2)) {
        for (int tap = 0; tap < KERNEL * ROW2; tap++) {
            weights->conv2_by_filter[filter][tap] -= rate * SUM(conv2[filter][tap]);
            weights->conv2[tap][filter] = weights->conv2_by_filter[filter][tap];
        }
        weights->bias2[filter] -= rate * SUM(bias2[filter]);
    }
    for (SHARED(class, CLASSES)) {
        for (int at = 0; at < FLAT; at++)
            weights->dense[class][at] -= rate * SUM(dense[class][at]);
        weights->bias3[class] -= rate * SUM(bias3[class]);
    }
#undef SHARED
#undef SUM
}
