#include "ground/kg/rdf_reader.h"

#include <fmt/format.h>
#include <serd/serd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <exception>
#include <utility>
#include <vector>

#include "base/error.h"
#include "ground/kg/nesting.h"
#include "text/segment.h"

namespace ondol::ground {
namespace {

using store::KgTerm;
using store::KgTermKind;

constexpr size_t kBlock = size_t{256} << 10;
constexpr size_t kPage = 4096;

struct FreeReader {
  void operator()(SerdReader* reader) const { serd_reader_free(reader); }
};
struct FreeEnv {
  void operator()(SerdEnv* env) const { serd_env_free(env); }
};

const uint8_t* bytes_of(const std::string& text) {
  return reinterpret_cast<const uint8_t*>(text.c_str());
}

std::string_view text_of(const SerdNode& node) {
  return {reinterpret_cast<const char*>(node.buf), node.n_bytes};
}

// serd with its callbacks. Exceptions must not pass through C: they are kept and thrown after.
class Parser {
 public:
  Parser(SerdSyntax syntax, const RdfOptions& options, const OnTriple& on_triple)
      : syntax_(syntax), options_(options), on_triple_(on_triple) {
    SerdNode base = SERD_NODE_NULL;
    if (!options.base.empty()) base = serd_node_from_string(SERD_URI, bytes_of(options.base));
    env_.reset(serd_env_new(options.base.empty() ? nullptr : &base));
    make_reader();
  }

  // An empty message says that all went well.
  RdfProblem line(const std::string& text) {
    error_ = {};
    held_ = 0;
    const SerdStatus status = serd_reader_read_string(reader_.get(), bytes_of(text));
    rethrow();
    RdfProblem problem = taken(status);
    if (problem.message.empty() && held_ != 1) problem.message = "not one triple";
    if (!problem.message.empty()) {
      make_reader();  // an error leaves its nodes on serd's stack
    } else {
      on_triple_(terms_[0], terms_[1], terms_[2]);
    }
    return problem;
  }

  RdfProblem document(ByteStream& stream) {
    stream_ = &stream;
    const SerdStatus status =
        serd_reader_read_source(reader_.get(), &Parser::read, &Parser::read_failed, this,
                                reinterpret_cast<const uint8_t*>("file"), kPage);
    rethrow();
    return taken(status);
  }

 private:
  void make_reader() {
    reader_.reset(serd_reader_new(syntax_, this, nullptr, &Parser::on_base, &Parser::on_prefix,
                                  &Parser::on_statement, nullptr));
    serd_reader_set_strict(reader_.get(), true);
    serd_reader_set_error_sink(reader_.get(), &Parser::on_error, this);
    if (!options_.blank_prefix.empty()) {
      serd_reader_add_blank_prefix(reader_.get(), bytes_of(options_.blank_prefix));
    }
  }

  void rethrow() {
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  }

  RdfProblem taken(SerdStatus status) {
    RdfProblem problem = std::exchange(error_, {});
    if (problem.message.empty() && status > SERD_FAILURE) {
      problem.message = reinterpret_cast<const char*>(serd_strerror(status));
    }
    return problem;
  }

  void refuse(std::string message) {
    if (error_.message.empty()) error_.message = std::move(message);
  }

  // One term from serd's node; false: an IRI that cannot be made whole.
  bool convert(const SerdNode& node, KgTerm& out) {
    out.language.clear();
    out.datatype.clear();
    if (node.type == SERD_LITERAL) {
      out.kind = KgTermKind::kLiteral;
      out.text = text_of(node);
      return true;
    }
    if (node.type == SERD_BLANK) {
      out.kind = KgTermKind::kBlank;
      out.text = text_of(node);
      return true;
    }
    out.kind = KgTermKind::kIri;
    return iri(node, out.text);
  }

  bool iri(const SerdNode& node, std::string& out) {
    if (syntax_ == SERD_NTRIPLES ||
        (node.type == SERD_URI && serd_uri_string_has_scheme(node.buf))) {
      out = text_of(node);
      return true;
    }
    SerdNode whole = serd_env_expand_node(env_.get(), &node);
    const bool good = whole.buf != nullptr && serd_uri_string_has_scheme(whole.buf);
    if (good) {
      out = text_of(whole);
    } else {
      refuse(fmt::format("'{}' has no prefix or base that makes it an IRI", text_of(node)));
    }
    serd_node_free(&whole);
    return good;
  }

  template <class Work>
  SerdStatus guarded(const Work& work) {
    try {
      return work();
    } catch (...) {
      thrown_ = std::current_exception();
      return SERD_ERR_INTERNAL;
    }
  }

  static SerdStatus on_statement(void* self, SerdStatementFlags, const SerdNode*,
                                 const SerdNode* subject, const SerdNode* predicate,
                                 const SerdNode* object, const SerdNode* datatype,
                                 const SerdNode* language) {
    auto* parser = static_cast<Parser*>(self);
    if (parser->thrown_) return SERD_ERR_INTERNAL;
    parser->silence_ = 0;
    return parser->guarded([&] {
      auto& [s, p, o] = parser->terms_;
      if (!parser->convert(*subject, s) || !parser->convert(*predicate, p) ||
          !parser->convert(*object, o)) {
        return SERD_ERR_BAD_CURIE;
      }
      if (language != nullptr && language->buf != nullptr) o.language = text_of(*language);
      std::transform(o.language.begin(), o.language.end(), o.language.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      if (datatype != nullptr && datatype->buf != nullptr && !parser->iri(*datatype, o.datatype)) {
        return SERD_ERR_BAD_CURIE;
      }
      if (o.datatype == "http://www.w3.org/2001/XMLSchema#string") o.datatype.clear();
      // serd tells of a triple before it has seen the end of the line: hold it until then.
      if (parser->syntax_ == SERD_NTRIPLES) {
        ++parser->held_;
      } else {
        parser->on_triple_(s, p, o);
      }
      return SERD_SUCCESS;
    });
  }

  static SerdStatus on_base(void* self, const SerdNode* uri) {
    return serd_env_set_base_uri(static_cast<Parser*>(self)->env_.get(), uri);
  }
  static SerdStatus on_prefix(void* self, const SerdNode* name, const SerdNode* uri) {
    return serd_env_set_prefix(static_cast<Parser*>(self)->env_.get(), name, uri);
  }

  static SerdStatus on_error(void* self, const SerdError* error) {
    auto* parser = static_cast<Parser*>(self);
    if (!parser->error_.message.empty()) return SERD_SUCCESS;  // the first says it best
    char text[512];
    std::va_list arguments;
    va_copy(arguments, *error->args);
    const int size = std::vsnprintf(text, sizeof text, error->fmt, arguments);
    va_end(arguments);
    std::string message(text, std::min<size_t>(size > 0 ? static_cast<size_t>(size) : 0, 511));
    while (!message.empty() && message.back() == '\n') message.pop_back();
    parser->error_ = {static_cast<int64_t>(error->line), message.empty() ? "an error" : message};
    return SERD_SUCCESS;
  }

  static size_t read(void* buffer, size_t unit, size_t count, void* self) {
    auto* parser = static_cast<Parser*>(self);
    size_t got = 0;
    parser->guarded([&] {
      got = parser->stream_->read(static_cast<char*>(buffer), unit * count);
      const std::string_view bytes(static_cast<const char*>(buffer), got);
      if (bytes.find('\0') != std::string_view::npos) parser->refuse("a zero byte");
      // serd holds a literal whole: one that a small packed file unpacks to would fill the memory.
      if ((parser->silence_ += got) > parser->options_.silence_max) {
        parser->refuse(fmt::format("{} bytes without a triple", parser->silence_));
      }
      if (!parser->nesting_.pass(bytes)) {
        parser->refuse(fmt::format("brackets deeper than {}", parser->options_.nesting_max));
      }
      return SERD_SUCCESS;
    });
    parser->broken_ = parser->thrown_ || !parser->error_.message.empty();
    return parser->broken_ ? 0 : got;
  }
  static int read_failed(void* self) { return static_cast<Parser*>(self)->broken_ ? 1 : 0; }

  SerdSyntax syntax_;
  const RdfOptions& options_;
  const OnTriple& on_triple_;
  NestingGuard nesting_{options_.nesting_max};
  std::unique_ptr<SerdEnv, FreeEnv> env_;
  std::unique_ptr<SerdReader, FreeReader> reader_;
  ByteStream* stream_ = nullptr;
  std::exception_ptr thrown_;
  RdfProblem error_;
  bool broken_ = false;
  size_t silence_ = 0;  // bytes read since the last triple
  std::array<KgTerm, 3> terms_;
  int held_ = 0;
};

// Lines of a stream without their ends; an overlong one is cut and said to be so.
class Lines {
 public:
  Lines(ByteStream& stream, size_t max) : stream_(stream), max_(max), block_(kBlock) {}

  bool next(std::string& line, bool* too_long) {
    line.clear();
    *too_long = false;
    bool any = false;
    for (;;) {
      if (at_ == end_) {
        at_ = 0;
        end_ = stream_.read(block_.data(), block_.size());
        if (end_ == 0) return any;
      }
      any = true;
      const char* from = block_.data() + at_;
      const auto* found = static_cast<const char*>(std::memchr(from, '\n', end_ - at_));
      const size_t size = found ? static_cast<size_t>(found - from) : end_ - at_;
      if (line.size() + size > max_) {
        *too_long = true;
      } else if (!*too_long) {
        line.append(from, size);
      }
      at_ += size;
      if (found) {
        ++at_;
        return true;
      }
    }
  }

 private:
  ByteStream& stream_;
  size_t max_;
  std::vector<char> block_;
  size_t at_ = 0;
  size_t end_ = 0;
};

// What serd would let pass or stop at: said before it is asked.
std::string refused(const std::string& line, bool too_long, size_t line_max) {
  if (too_long) return fmt::format("longer than {} bytes", line_max);
  if (const auto at = text::invalid_utf8_offset(line)) {
    return fmt::format("byte {} is not UTF-8", *at + 1);
  }
  if (line.find('\0') != std::string::npos) return "a zero byte";
  return "";
}

bool nothing_on(const std::string& line) {
  const size_t first = line.find_first_not_of(" \t\r");
  return first == std::string::npos || line[first] == '#';
}

}  // namespace

void read_ntriples(ByteStream& stream, const RdfOptions& options, const OnTriple& on_triple,
                   const OnProblem& on_problem) {
  Parser parser(SERD_NTRIPLES, options, on_triple);
  Lines lines(stream, options.line_max);
  std::string line;
  bool too_long = false;
  for (int64_t number = 1; lines.next(line, &too_long); ++number) {
    RdfProblem problem{number, refused(line, too_long, options.line_max)};
    if (problem.message.empty() && !nothing_on(line)) {
      line += '\n';
      problem.message = parser.line(line).message;
    }
    if (!problem.message.empty()) on_problem(problem);
  }
}

void read_turtle(ByteStream& stream, const RdfOptions& options, const OnTriple& on_triple) {
  Parser parser(SERD_TURTLE, options, on_triple);
  const RdfProblem problem = parser.document(stream);
  if (problem.message.empty()) return;
  throw Error(ErrorCode::kCorruptData,
              fmt::format("[kg] line {} is not Turtle; got {}, expected triples; try mending it",
                          problem.line, problem.message));
}

RdfSyntax rdf_syntax(std::string_view file_name) {
  for (const std::string_view packed : {".gz", ".bz2"}) {
    if (file_name.ends_with(packed)) file_name.remove_suffix(packed.size());
  }
  if (file_name.ends_with(".nt")) return RdfSyntax::kNTriples;
  if (file_name.ends_with(".ttl") || file_name.ends_with(".n3")) return RdfSyntax::kTurtle;
  for (const std::string_view xml : {".owl", ".rdf", ".xml"}) {
    if (file_name.ends_with(xml)) return RdfSyntax::kRdfXml;
  }
  throw Error(ErrorCode::kUnsupported,
              fmt::format("[kg] '{}' is of an unknown kind; expected .nt, .ttl, .owl or .rdf, "
                          "plain, .gz or .bz2",
                          file_name));
}

}  // namespace ondol::ground
