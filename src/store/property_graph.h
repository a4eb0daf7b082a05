// The labelled property graph as rows: which entities a chunk names, which facts it states, and
// where. Rows belong to a chunk and go with it; an entity lives as long as a chunk mentions it, a
// relation as long as a chunk proves it. So after any order of adding, changing and deleting the
// graph is the one that building from the remaining chunks would give.
//
//   store->put_extractions(shelf, {{chunk_id, {.extractor = "names", .mentions = {...}}}});
//   GraphRows rows = store->graph_rows({shelf, "kim", {}});   // what kim's documents say
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace ondol::store {

// What makes two mentions the same entity: the normalised name and the class. The same name in
// another class is another entity.
struct EntityName {
  std::string key;
  std::string type;  // the class; empty: unknown
  auto operator<=>(const EntityName&) const = default;
};

struct Mention {
  EntityName entity;
  std::string surface;    // as the text has it
  int64_t char_from = 0;  // code points of the chunk's text
  int64_t char_to = 0;
  int32_t sentence = 0;  // of the chunk, from 0
  bool operator==(const Mention&) const = default;
};

struct Fact {
  EntityName subject;
  std::string label;
  EntityName object;
  int64_t char_from = 0;  // the proof, in code points of the chunk's text
  int64_t char_to = 0;
  double confidence = 1;   // of the extractor, 0 to 1
  std::string valid_from;  // ISO 8601 date or empty: always
  std::string valid_to;
  bool operator==(const Fact&) const = default;
};

struct Property {
  EntityName entity;
  std::string name;
  std::string value;
  bool operator==(const Property&) const = default;
};

// What a text says about an entity beyond relations: that something happened, was done, is alleged.
struct Claim {
  EntityName subject;
  EntityName object;   // key empty: about nobody else
  std::string type;    // "contract", "accusation", ...: a few words
  std::string status;  // "true", "false", "suspected": as the text has it
  std::string text;    // the claim in a sentence
  std::string valid_from;
  std::string valid_to;
  int64_t char_from = 0;  // the proof, in code points of the chunk's text
  int64_t char_to = 0;
  bool operator==(const Claim&) const = default;
};

// All that one extractor found in one chunk. The ends of facts and claims and the owners of
// properties must be among its mentions. What other extractors found in the chunk stays beside it.
struct Extraction {
  std::string extractor;  // "names", "import", ...
  std::string version;    // of it, with its settings: another one extracts again
  std::vector<Mention> mentions;
  std::vector<Fact> facts;
  std::vector<Property> properties;
  std::vector<Claim> claims;
  std::map<std::string, int64_t> rejected;  // reason -> how many
};

struct ChunkExtraction {
  int64_t chunk = 0;
  Extraction extraction;
};

// ---- what is read back: visible rows only ----

struct EntityRow {
  int64_t id = 0;  // given by the store, never given again
  EntityName name;
};
struct MentionRow {
  int64_t entity = 0;
  int64_t chunk = 0;
  int64_t char_from = 0;
  int64_t char_to = 0;
  int32_t sentence = 0;
  std::string surface;
};
struct RelationRow {
  int64_t id = 0;
  int64_t subject = 0;
  std::string label;
  int64_t object = 0;
  std::string valid_from;
  std::string valid_to;
};
struct RelationEvidenceRow {
  int64_t relation = 0;
  int64_t chunk = 0;
  int64_t char_from = 0;
  int64_t char_to = 0;
  double confidence = 1;
};
struct PropertyRow {
  int64_t entity = 0;
  int64_t chunk = 0;
  std::string name;
  std::string value;
};
struct ClaimRow {
  int64_t subject = 0;
  int64_t object = 0;  // 0: none
  int64_t chunk = 0;
  std::string type;
  std::string status;
  std::string text;
  std::string valid_from;
  std::string valid_to;
  int64_t char_from = 0;
  int64_t char_to = 0;
};
// Each list ascending by its ids, then by place.
struct GraphRows {
  std::vector<EntityRow> entities;
  std::vector<MentionRow> mentions;
  std::vector<RelationRow> relations;
  std::vector<RelationEvidenceRow> evidence;
  std::vector<PropertyRow> properties;
  std::vector<ClaimRow> claims;
};

struct ExtractionState {
  int64_t chunk = 0;
  std::string extractor;
  std::string version;
  std::map<std::string, int64_t> rejected;
};

// One decision that two names are one entity, kept apart from the rows so that it can be undone
// and holds for names that come again.
struct Merge {
  int64_t id = 0;  // given by the store
  EntityName from;
  EntityName into;
  std::string method;  // "user", "initialism", "spelling", ...
  double score = 1;
  bool undone = false;  // an undone merge is not proposed again
  bool operator==(const Merge&) const = default;
};

}  // namespace ondol::store
