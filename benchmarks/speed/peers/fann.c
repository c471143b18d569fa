/* FANN, incremental training, with the loop over patterns in C, so that nothing but FANN is timed.

   Made to compute the same function: sigmoid (FANN_SIGMOID, computed and not stepwise) with steepness 0.5, which is
   1/(1+e^-z) in its convention; the difference itself as the error (its default passes it through atanh).
   What differs: its momentum is a velocity, v = M v + N g, W -= v; and in f'(z) it holds the output between 0.01 and 0.99. */
#include <floatfann.h>

/* W1: [N_IN + 1][N_HIDDEN], W2: [N_HIDDEN + 1][N_OUT], the bias node's weights last; trained in place. 0 if all went well. */
int train(float *W1, float *W2, const float *x, const float *t, long patterns, long epochs, float N, float M)
{
    struct fann *net = fann_create_standard(3, N_IN, N_HIDDEN, N_OUT);
    if (!net) return 1;
    fann_set_training_algorithm(net, FANN_TRAIN_INCREMENTAL);
    fann_set_activation_function_hidden(net, FANN_SIGMOID);
    fann_set_activation_function_output(net, FANN_SIGMOID);
    fann_set_activation_steepness_hidden(net, 0.5f);
    fann_set_activation_steepness_output(net, 0.5f);
    fann_set_train_error_function(net, FANN_ERRORFUNC_LINEAR);
    fann_set_learning_rate(net, N);
    fann_set_learning_momentum(net, M);

    /* Connections come node by node, each with those from the layer below and its bias node last. */
    enum { IN = N_IN + 1, HIDDEN = N_HIDDEN + 1, COUNT = IN * N_HIDDEN + HIDDEN * N_OUT };
    if (fann_get_total_connections(net) != COUNT) return 2;
    struct fann_connection c[COUNT];
    fann_get_connection_array(net, c);
    for (int j = 0; j < N_HIDDEN; j++)
        for (int i = 0; i < IN; i++) c[j * IN + i].weight = W1[i * N_HIDDEN + j];
    for (int k = 0; k < N_OUT; k++)
        for (int j = 0; j < HIDDEN; j++) c[IN * N_HIDDEN + k * HIDDEN + j].weight = W2[j * N_OUT + k];
    fann_set_weight_array(net, c, COUNT);

    for (long epoch = 0; epoch < epochs; epoch++)
        for (long p = 0; p < patterns; p++) fann_train(net, (float *)x + p * N_IN, (float *)t + p * N_OUT);

    fann_get_connection_array(net, c);
    for (int j = 0; j < N_HIDDEN; j++)
        for (int i = 0; i < IN; i++) W1[i * N_HIDDEN + j] = c[j * IN + i].weight;
    for (int k = 0; k < N_OUT; k++)
        for (int j = 0; j < HIDDEN; j++) W2[j * N_OUT + k] = c[IN * N_HIDDEN + k * HIDDEN + j].weight;
    fann_destroy(net);
    return 0;
}
