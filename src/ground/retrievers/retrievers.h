// The kinds of the registry: each stands in the file of its name.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "ground/retriever.h"

namespace ondol::ground {

std::unique_ptr<Retriever> make_bm25_retriever(const RetrieverConfig& config, Corpus& corpus);
std::unique_ptr<Retriever> make_vector_retriever(const RetrieverConfig& config, Corpus& corpus);
std::unique_ptr<Retriever> make_hybrid_retriever(const RetrieverConfig& config, Corpus& corpus);
std::unique_ptr<Retriever> make_auto_retriever(const RetrieverConfig& config, Corpus& corpus);
std::unique_ptr<Retriever> make_kg_retriever(const RetrieverConfig& config, Corpus& corpus);

std::unique_ptr<Retriever> make_graph_local_retriever(const RetrieverConfig& config,
                                                      Corpus& corpus);
std::unique_ptr<Retriever> make_graph_global_retriever(const RetrieverConfig& config,
                                                       Corpus& corpus);
std::unique_ptr<Retriever> make_graph_reports_retriever(const RetrieverConfig& config,
                                                        Corpus& corpus);
std::unique_ptr<Retriever> make_hybrid_graph_retriever(const RetrieverConfig& config,
                                                       Corpus& corpus);

// sum over the lists of 1 / (constant + rank), ranks from 1.
std::vector<ScoredChunk> fuse_reciprocal_ranks(std::span<const std::vector<ScoredChunk>> lists,
                                               double constant, size_t k);
// (1 - weight) * lexical + weight * vector, each list's scores brought to 0 .. 1; a chunk that a
// list lacks has 0 there.
std::vector<ScoredChunk> fuse_convex(const std::vector<ScoredChunk>& lexical,
                                     const std::vector<ScoredChunk>& vector, double vector_weight,
                                     size_t k);

}  // namespace ondol::ground
