// N-Triples and Turtle to triples, in a stream: serd parses.
//
//   read_ntriples(*stream, {}, on_triple, on_problem);   // line by line; a bad line is reported
//   read_turtle(*stream, {.base = "http://a/b"}, on_triple);
//
// N-Triples: a line that is no triple (also: bytes that are not UTF-8, longer than line_max) goes
// to `on_problem` and reading goes on. Turtle has no such borders: its first error is thrown, as
// Error(kCorruptData) with the line. Blank nodes get `blank_prefix`, so that those of two files do
// not become one. What the callbacks throw ends the reading. Terms are valid during the call.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "ground/kg/byte_stream.h"
#include "store/knowledge_graph.h"

namespace ondol::ground {

struct RdfOptions {
  std::string base;  // Turtle: IRI that relative ones are resolved against
  std::string blank_prefix;
  size_t line_max = size_t{16} << 20;     // bytes of a line of N-Triples
  int nesting_max = 200;                  // of [ ] and ( ) in Turtle
  size_t silence_max = size_t{64} << 20;  // bytes of Turtle without a triple: a literal that long
};

struct RdfProblem {
  int64_t line = 0;  // 1-based
  std::string message;
};

using OnTriple = std::function<void(const store::KgTerm& subject, const store::KgTerm& predicate,
                                    const store::KgTerm& object)>;
using OnProblem = std::function<void(const RdfProblem& problem)>;

void read_ntriples(ByteStream& stream, const RdfOptions& options, const OnTriple& on_triple,
                   const OnProblem& on_problem);
void read_turtle(ByteStream& stream, const RdfOptions& options, const OnTriple& on_triple);

enum class RdfSyntax { kNTriples, kTurtle, kRdfXml };
// By the name, a .gz or .bz2 behind it left out: .nt, .ttl, .n3, .rdf, .owl, .xml. Throws
// Error(kUnsupported) for others.
RdfSyntax rdf_syntax(std::string_view file_name);

}  // namespace ondol::ground
