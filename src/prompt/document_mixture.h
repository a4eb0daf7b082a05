// Retrieval-augmented generation in its exact form: the answer's probability is summed over the
// passages it may rest on (Lewis et al. 2020, "Retrieval-augmented generation for
// knowledge-intensive NLP tasks", 2.1), instead of putting all passages into one prompt.
//
//   sequence   P(y | x) = sum over d of P(d | x) * product over i of P(y_i | x, d, y_1..i-1)
//   token      P(y | x) = product over i of sum over d of P(d | x) * P(y_i | x, d, y_1..i-1)
//
// P(d | x) is a softmax over the passages' scores, divided by the best score and by a temperature.
// Answers to choose from are the most likely one of each passage and of all passages together;
// for questions with choices the choices. The sums over passages are exact; what is not searched is
// an answer that no passage gives. Costs a prompt a passage.
#pragma once

#include <span>
#include <vector>

#include "infer/slots.h"

namespace ondol::prompt {

// Sums to 1. Scores that are not above zero count as zero; all zero: equal weights.
std::vector<double> document_weights(std::span<const Evidence> evidence, double temperature);

// ln P(y | x) of one answer. `tokens[d][i]` is ln P(y_i | x, d, ...): a row a passage, all of one
// length (Error kInvalidArgument otherwise).
double sequence_log_likelihood(std::span<const double> weights,
                               std::span<const std::vector<double>> tokens);
double token_log_likelihood(std::span<const double> weights,
                            std::span<const std::vector<double>> tokens);

}  // namespace ondol::prompt
