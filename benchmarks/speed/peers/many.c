/* Many networks, online, with the article's momentum, blocked by hand: 32 networks side by side, a vector register for each
   few of them. GCC's vector extensions, no intrinsics; the vectors are as wide as -march=native has them.

   A block's weights, 32 networks of 195 for 20-8-3, are 25 kB: they stay in L1. The update of the first layer for one pattern
   and its sum for the next run together, so that each of its weights is loaded and stored once a pattern (measured with gcc 12
   on Zen 3, nanoseconds an update of one network: 30 apart, 27 together). Cores take blocks in turn, by OpenMP. */
#include <stdint.h>
#include <string.h>

#define LANES 32
#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX__)
#define WIDTH 8
#else
#define WIDTH 4
#endif
#define PARTS (LANES / WIDTH)

typedef float vec __attribute__((vector_size(4 * WIDTH)));
typedef int32_t ivec __attribute__((vector_size(4 * WIDTH)));

static inline vec choose(ivec mask, vec yes, vec no) { return (vec)((mask & (ivec)yes) | (~mask & (ivec)no)); }

/* 1/(1 + e^-z), the exponential as in Cephes' expf: -z = n ln 2 + f, a polynomial for e^f, and n into the exponent. */
static inline vec sigmoid(vec z)
{
    const float round = 12582912.0f; /* 1.5 * 2^23: adding it rounds to a whole number, and leaves that in the low bits */
    const vec limit = (vec){} + 87.0f;
    vec x = choose(-z < -limit, -limit, -z);
    x = choose(x > limit, limit, x);
    vec shifted = x * 1.44269504f + round, n = shifted - round;
    vec f = x - n * 0.693359375f + n * 2.12194440e-4f;
    vec p = f * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    p = p * f * f + f + 1.0f;
    ivec power = ((ivec)shifted - 0x4B400000 + 127) << 23;
    return 1.0f / (1.0f + p * (vec)power);
}

typedef struct {
    vec W1[N_IN + 1][N_HIDDEN][PARTS], W2[N_HIDDEN + 1][N_OUT][PARTS];
    vec z[N_HIDDEN][PARTS];                                                            /* of the pattern to come */
    vec h_before[N_HIDDEN][PARTS], d1_before[N_HIDDEN][PARTS], d2_before[N_OUT][PARTS]; /* the previous gradient's factors */
} block;

static inline void first_sums(block *b, const float *x)
{
    for (int j = 0; j < N_HIDDEN; j++)
        for (int l = 0; l < PARTS; l++) {
            b->z[j][l] = b->W1[N_IN][j][l];
            for (int i = 0; i < N_IN; i++) b->z[j][l] += x[i] * b->W1[i][j][l];
        }
}

static inline void update(block *restrict b, const float *x_before, const float *x, const float *x_next, const float *t, float N, float M)
{
    vec h[N_HIDDEN][PARTS], d2[N_OUT][PARTS];
    for (int j = 0; j < N_HIDDEN; j++)
        for (int l = 0; l < PARTS; l++) h[j][l] = sigmoid(b->z[j][l]);
    for (int k = 0; k < N_OUT; k++)
        for (int l = 0; l < PARTS; l++) {
            vec z = b->W2[N_HIDDEN][k][l];
            for (int j = 0; j < N_HIDDEN; j++) z += h[j][l] * b->W2[j][k][l];
            vec o = sigmoid(z);
            d2[k][l] = (o - t[k]) * o * (1.0f - o);
        }
    for (int j = 0; j < N_HIDDEN; j++) {
        vec step[PARTS], step_before[PARTS], z[PARTS];
        for (int l = 0; l < PARTS; l++) {
            vec back = {};
            for (int k = 0; k < N_OUT; k++) {
                vec w = b->W2[j][k][l];
                back += d2[k][l] * w;
                b->W2[j][k][l] = w - N * d2[k][l] * h[j][l] - M * b->d2_before[k][l] * b->h_before[j][l];
            }
            vec d1 = back * h[j][l] * (1.0f - h[j][l]);
            step[l] = -N * d1;
            step_before[l] = -M * b->d1_before[j][l];
            b->d1_before[j][l] = d1;
            b->h_before[j][l] = h[j][l];
            z[l] = b->W1[N_IN][j][l] = b->W1[N_IN][j][l] + step[l] + step_before[l];
        }
#pragma GCC unroll 32
        for (int i = 0; i < N_IN; i++)
            for (int l = 0; l < PARTS; l++) {
                vec w = b->W1[i][j][l] + step[l] * x[i] + step_before[l] * x_before[i];
                b->W1[i][j][l] = w;
                z[l] += x_next[i] * w;
            }
        for (int l = 0; l < PARTS; l++) b->z[j][l] = z[l];
    }
    for (int k = 0; k < N_OUT; k++)
        for (int l = 0; l < PARTS; l++) {
            b->W2[N_HIDDEN][k][l] -= N * d2[k][l] + M * b->d2_before[k][l];
            b->d2_before[k][l] = d2[k][l];
        }
}

/* W1: [networks][N_IN + 1][N_HIDDEN], W2: [networks][N_HIDDEN + 1][N_OUT], the bias node's weights last; trained in place.
   networks is a multiple of LANES. */
void train_many(float *W1, float *W2, const float *x, const float *t, long networks, long patterns, long epochs, float N, float M)
{
    static const float none[N_IN];
    const long size1 = (N_IN + 1) * N_HIDDEN, size2 = (N_HIDDEN + 1) * N_OUT;
#pragma omp parallel for schedule(dynamic)
    for (long n = 0; n < networks; n += LANES) {
        block b;
        memset(&b, 0, sizeof b);
        float *w1 = (float *)b.W1, *w2 = (float *)b.W2;
        for (long l = 0; l < LANES; l++) {
            for (long i = 0; i < size1; i++) w1[i * LANES + l] = W1[(n + l) * size1 + i];
            for (long i = 0; i < size2; i++) w2[i * LANES + l] = W2[(n + l) * size2 + i];
        }
        const float *x_before = none;
        first_sums(&b, x);
        for (long epoch = 0; epoch < epochs; epoch++)
            for (long p = 0; p < patterns; p++) {
                const float *xp = x + p * N_IN, *x_next = p + 1 < patterns ? xp + N_IN : x;
                update(&b, x_before, xp, x_next, t + p * N_OUT, N, M);
                x_before = xp;
            }
        for (long l = 0; l < LANES; l++) {
            for (long i = 0; i < size1; i++) W1[(n + l) * size1 + i] = w1[i * LANES + l];
            for (long i = 0; i < size2; i++) W2[(n + l) * size2 + i] = w2[i * LANES + l];
        }
    }
}
