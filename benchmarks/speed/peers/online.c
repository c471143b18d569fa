/* One network, online, with the article's momentum: W -= N g_t + M g_(t-1), equation (13). Plain C, for gcc -O3 -march=native.

   The sizes are macros, so that the compiler unrolls and vectorises every loop. Three things made it faster than the first
   version (gcc 12 on Zen 3, nanoseconds of CPU an update of 20-8-3: 275 at first, 223 now): the previous gradient is kept as
   its two factors and not as a matrix; the output weights lie transposed, so that the inner loop runs over the hidden layer;
   and the long sum of the first layer is cut in two, since without -ffast-math the compiler may not do that. With -ffast-math
   it may, and does better left alone. An exponential of its own, in place of libm's, made it slower.

   With -DSGD there is no momentum: W -= N g_t. */
#include <math.h>
#include <string.h>

#if N_IN % 2
#error "N_IN is even here"
#endif

#ifdef SGD
#define STEP(now, before) ((void)sizeof(before), (now))
#else
#define STEP(now, before) ((now) + (before))
#endif

typedef float W1_t[N_IN + 1][N_HIDDEN];
typedef float W2_t[N_HIDDEN + 1][N_OUT];

static float sigmoid(float z) { return 1.0f / (1.0f + expf(-z)); }

/* The bias node's weights are the last row of W1 and W2; both are trained in place. x: [patterns][N_IN], t: [patterns][N_OUT]. */
int train(W1_t W1_inout, W2_t W2_inout, const float *x, const float *t, long patterns, long epochs, float N, float M)
{
    static const float none[N_IN];
    W1_t W1;
    float W2[N_OUT][N_HIDDEN], bias2[N_OUT];
    memcpy(W1, W1_inout, sizeof W1);
    for (int k = 0; k < N_OUT; k++) {
        for (int j = 0; j < N_HIDDEN; j++) W2[k][j] = W2_inout[j][k];
        bias2[k] = W2_inout[N_HIDDEN][k];
    }
    float h_before[N_HIDDEN] = {0}, d1_before[N_HIDDEN] = {0}, d2_before[N_OUT] = {0};
    const float *x_before = none;
    for (long epoch = 0; epoch < epochs; epoch++) {
        const float *xp = x, *tp = t;
        for (long p = 0; p < patterns; p++, xp += N_IN, tp += N_OUT) {
            float h[N_HIDDEN], d2[N_OUT], d1[N_HIDDEN], back[N_HIDDEN];
#ifndef __FAST_MATH__
            float odd[N_HIDDEN] = {0};
            for (int j = 0; j < N_HIDDEN; j++) h[j] = W1[N_IN][j];
            for (int i = 0; i + 1 < N_IN; i += 2)
                for (int j = 0; j < N_HIDDEN; j++) {
                    h[j] += xp[i] * W1[i][j];
                    odd[j] += xp[i + 1] * W1[i + 1][j];
                }
            for (int j = 0; j < N_HIDDEN; j++) h[j] += odd[j];
#else
            for (int j = 0; j < N_HIDDEN; j++) h[j] = W1[N_IN][j];
            for (int i = 0; i < N_IN; i++)
                for (int j = 0; j < N_HIDDEN; j++) h[j] += xp[i] * W1[i][j];
#endif
            for (int j = 0; j < N_HIDDEN; j++) h[j] = sigmoid(h[j]);
            for (int j = 0; j < N_HIDDEN; j++) back[j] = 0;
            for (int k = 0; k < N_OUT; k++) {
                float z = bias2[k];
                for (int j = 0; j < N_HIDDEN; j++) z += h[j] * W2[k][j];
                float o = sigmoid(z);
                d2[k] = (o - tp[k]) * o * (1.0f - o);
                for (int j = 0; j < N_HIDDEN; j++) back[j] += d2[k] * W2[k][j];
                float a = N * d2[k];
                float b = M * d2_before[k];
                for (int j = 0; j < N_HIDDEN; j++) W2[k][j] -= STEP(a * h[j], b * h_before[j]);
                bias2[k] -= STEP(a, b);
                d2_before[k] = d2[k];
            }
            float a[N_HIDDEN], b[N_HIDDEN];
            for (int j = 0; j < N_HIDDEN; j++) {
                d1[j] = back[j] * h[j] * (1.0f - h[j]);
                a[j] = N * d1[j];
                b[j] = M * d1_before[j];
                d1_before[j] = d1[j];
                h_before[j] = h[j];
            }
            for (int i = 0; i < N_IN; i++)
                for (int j = 0; j < N_HIDDEN; j++) W1[i][j] -= STEP(a[j] * xp[i], b[j] * x_before[i]);
            for (int j = 0; j < N_HIDDEN; j++) W1[N_IN][j] -= STEP(a[j], b[j]);
            x_before = xp;
        }
    }
    memcpy(W1_inout, W1, sizeof W1);
    for (int k = 0; k < N_OUT; k++) {
        for (int j = 0; j < N_HIDDEN; j++) W2_inout[j][k] = W2[k][j];
        W2_inout[N_HIDDEN][k] = bias2[k];
    }
    return 0;
}
