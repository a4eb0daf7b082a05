// What every back end of Store must do. A second one adds its row to kBackEnds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "store/store.h"

namespace ondol::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct BackEnd {
  const char* name;
  std::unique_ptr<Store> (*open)(const std::filesystem::path& folder);
};

constexpr BackEnd kBackEnds[] = {
    {"sqlite",
     [](const std::filesystem::path& folder) { return open_sqlite_store(folder / "s.db"); }},
};

Chunk chunk_row(int64_t ordinal, const std::string& text, int64_t length) {
  Chunk chunk;
  chunk.ordinal = ordinal;
  chunk.heading = "Rooms > 온돌";
  chunk.text = text;
  chunk.char_from = 10 * ordinal;
  chunk.char_to = 10 * ordinal + 5;
  chunk.page = static_cast<int32_t>(ordinal + 1);
  chunk.text_hash = "hash of " + text;
  chunk.length = length;
  return chunk;
}

// Two chunks: "fire" twice in the first, once in the second.
DocumentContent document(const std::string& uri) {
  DocumentContent content;
  content.document.uri = uri;
  content.document.sha256 = "sum";
  content.document.title = "Title of " + uri;
  content.document.language = "en";
  content.embedder_id = "e1";
  content.chunks = {{chunk_row(0, "fire fire 방", 3), {{"fire", 2}, {"방", 1}}, {1.0f, 0.0f}},
                    {chunk_row(1, "fire", 1), {{"fire", 1}}, {0.0f, 1.0f}}};
  return content;
}

// What one chunk says: two names and a fact about them.
Extraction says(const std::string& subject, const std::string& object,
                const std::string& extractor = "names") {
  Extraction extraction{.extractor = extractor, .version = "1"};
  extraction.mentions = {{{subject, ""}, subject, 0, 4, 0}, {{object, "Place"}, object, 5, 9, 0}};
  extraction.facts = {{{subject, ""}, "in", {object, "Place"}, 0, 9, 0.5}};
  extraction.properties = {{{subject, ""}, "born", "1900"}};
  extraction.rejected = {{"self-loop", 2}};
  return extraction;
}

std::vector<std::string> entity_keys(const GraphRows& rows) {
  std::vector<std::string> keys;
  for (const EntityRow& row : rows.entities) keys.push_back(row.name.key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

class StoreContract : public ::testing::TestWithParam<BackEnd> {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "ondol_store_XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    reopen();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void reopen() {
    store_.reset();
    store_ = GetParam().open(folder_);
    shelf_ = store_->open_collection("shelf");
  }
  std::vector<int32_t> counts(const Scope& scope, const char* term) {
    std::vector<int32_t> out;
    for (const Posting& posting : store_->postings(scope, term)) out.push_back(posting.count);
    return out;
  }
  std::vector<std::vector<float>> vectors(const Scope& scope, const char* embedder) {
    std::vector<std::vector<float>> out;
    store_->for_each_vector(scope, embedder, [&](ChunkId, std::span<const float> values) {
      out.emplace_back(values.begin(), values.end());
    });
    return out;
  }

  std::filesystem::path folder_;
  std::unique_ptr<Store> store_;
  CollectionId shelf_ = 0;
};

TEST_P(StoreContract, AnEmptyCollectionHasNothing) {
  const Scope scope{shelf_, "", {}};
  EXPECT_TRUE(store_->documents(shelf_).empty());
  EXPECT_EQ(store_->length_statistics(scope).chunks, 0);
  EXPECT_EQ(store_->length_statistics(scope).terms, 0);
  EXPECT_TRUE(store_->postings(scope, "fire").empty());
  EXPECT_TRUE(store_->chunk_ids(scope).empty());
  EXPECT_FALSE(store_->find_document(shelf_, "a").has_value());
  EXPECT_FALSE(store_->remove_document(shelf_, "a"));
}

TEST_P(StoreContract, WhatIsPutIsThereAfterOpeningAgain) {
  DocumentContent content = document("b.md");
  content.document.principals = {"kim", "lee"};
  content.document.tags = {{"folder", "x"}, {"year", "2026"}};
  store_->put_document(shelf_, content);
  store_->put_document(shelf_, document("a.md"));
  reopen();
  const std::vector<Document> documents = store_->documents(shelf_);
  ASSERT_EQ(documents.size(), 2u);
  EXPECT_EQ(documents[0].uri, "a.md");
  Document expected = content.document;
  expected.id = documents[1].id;
  EXPECT_EQ(documents[1], expected);
  const std::vector<Chunk> chunks = store_->chunks_of(documents[1].id);
  ASSERT_EQ(chunks.size(), 2u);
  Chunk row = content.chunks[0].row;
  row.id = chunks[0].id;
  row.document_id = documents[1].id;
  EXPECT_EQ(chunks[0], row);
  EXPECT_THAT(store_->embedded_chunks(documents[1].id, "e1"),
              ElementsAre(chunks[0].id, chunks[1].id));
}

TEST_P(StoreContract, PostingsCarryCountsAndLengthsByChunk) {
  store_->put_document(shelf_, document("a.md"));
  const Scope scope{shelf_, "", {}};
  const std::vector<Posting> postings = store_->postings(scope, "fire");
  const std::vector<ChunkId> ids = store_->chunk_ids(scope);
  EXPECT_THAT(postings, ElementsAre(Posting{ids[0], 2, 3}, Posting{ids[1], 1, 1}));
  EXPECT_THAT(counts(scope, "방"), ElementsAre(1));
  EXPECT_EQ(store_->length_statistics(scope).chunks, 2);
  EXPECT_EQ(store_->length_statistics(scope).terms, 4);
}

TEST_P(StoreContract, NobodySeesWhatIsNotTheirs) {
  DocumentContent secret = document("secret.md");
  secret.document.principals = {"kim"};
  store_->put_document(shelf_, secret);
  store_->put_document(shelf_, document("open.md"));
  const Scope kim{shelf_, "kim", {}};
  const Scope lee{shelf_, "lee", {}};
  const Scope nobody{shelf_, "", {}};
  EXPECT_EQ(store_->length_statistics(kim).chunks, 4);
  for (const Scope& scope : {lee, nobody}) {
    EXPECT_EQ(store_->length_statistics(scope).chunks, 2);
    EXPECT_EQ(store_->postings(scope, "fire").size(), 2u);
    EXPECT_EQ(vectors(scope, "e1").size(), 2u);
    const std::vector<ChunkId> all = store_->chunk_ids(kim);
    const std::vector<ChunkView> seen = store_->chunks(scope, all);
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].uri, "open.md");
  }
  // Rights that are taken away are gone at once.
  secret.document.principals = {"lee"};
  store_->put_document(shelf_, secret);
  EXPECT_EQ(store_->length_statistics(kim).chunks, 2);
  EXPECT_EQ(store_->length_statistics(lee).chunks, 4);
}

TEST_P(StoreContract, FiltersNeedEveryKey) {
  DocumentContent one = document("one.md");
  one.document.tags = {{"year", "2026"}, {"folder", "x"}};
  DocumentContent two = document("two.md");
  two.document.tags = {{"year", "2026"}};
  store_->put_document(shelf_, one);
  store_->put_document(shelf_, two);
  const struct {
    Tags filter;
    int64_t chunks;
  } rows[] = {{{}, 4},
              {{{"year", "2026"}}, 4},
              {{{"year", "2026"}, {"folder", "x"}}, 2},
              {{{"year", "2025"}}, 0},
              {{{"year", "' OR 1=1 --"}}, 0}};
  for (const auto& row : rows) {
    const Scope scope{shelf_, "", row.filter};
    EXPECT_EQ(store_->length_statistics(scope).chunks, row.chunks);
    EXPECT_EQ(static_cast<int64_t>(store_->postings(scope, "fire").size()), row.chunks);
    EXPECT_EQ(static_cast<int64_t>(vectors(scope, "e1").size()), row.chunks);
    EXPECT_EQ(static_cast<int64_t>(store_->chunk_ids(scope).size()), row.chunks);
  }
}

TEST_P(StoreContract, CollectionsAreApart) {
  const CollectionId other = store_->open_collection("other");
  EXPECT_NE(other, shelf_);
  EXPECT_EQ(store_->open_collection("other"), other);
  store_->put_document(shelf_, document("a.md"));
  store_->put_document(other, document("a.md"));
  EXPECT_TRUE(store_->remove_document(other, "a.md"));
  EXPECT_EQ(store_->length_statistics({shelf_, "", {}}).chunks, 2);
  EXPECT_EQ(store_->length_statistics({other, "", {}}).chunks, 0);
}

TEST_P(StoreContract, VectorsOfAnotherEmbedderAreNotMixedIn) {
  store_->put_document(shelf_, document("a.md"));
  const Scope scope{shelf_, "", {}};
  EXPECT_THAT(vectors(scope, "e1"), ElementsAre(ElementsAre(1.0f, 0.0f), ElementsAre(0.0f, 1.0f)));
  EXPECT_THAT(vectors(scope, "e2"), IsEmpty());
}

TEST_P(StoreContract, AChangedDocumentKeepsNamedChunksAndDropsTheRest) {
  store_->put_document(shelf_, document("a.md"));
  const Scope scope{shelf_, "", {}};
  const std::vector<ChunkId> before = store_->chunk_ids(scope);
  DocumentContent changed = document("a.md");
  changed.chunks.resize(1);
  changed.chunks[0].row = chunk_row(1, "fire", 1);
  changed.chunks[0].row.id = before[1];
  changed.chunks[0].vector.clear();
  changed.chunks.push_back({chunk_row(0, "wood", 1), {{"wood", 1}}, {}});
  store_->put_document(shelf_, changed);
  const std::vector<Chunk> after = store_->chunks_of(store_->find_document(shelf_, "a.md")->id);
  ASSERT_EQ(after.size(), 2u);
  EXPECT_EQ(after[0].text, "wood");
  EXPECT_EQ(after[1].id, before[1]);
  EXPECT_GT(after[0].id, before[1]);  // ids are not given twice
  EXPECT_THAT(counts(scope, "fire"), ElementsAre(1));
  EXPECT_THAT(counts(scope, "방"), IsEmpty());
  EXPECT_THAT(vectors(scope, "e1"), ElementsAre(ElementsAre(0.0f, 1.0f)));  // the kept one's
}

TEST_P(StoreContract, AFailedPutLeavesTheOldVersion) {
  store_->put_document(shelf_, document("a.md"));
  const int64_t generation = store_->generation(shelf_);
  DocumentContent wrong = document("a.md");
  wrong.document.title = "never seen";
  wrong.chunks[1].row.id = 999;  // no chunk of this document
  EXPECT_THROW(store_->put_document(shelf_, wrong), Error);
  const DocumentContent both[] = {document("b.md"), wrong};
  EXPECT_THROW(store_->put_documents(shelf_, both), Error);
  EXPECT_EQ(store_->documents(shelf_).size(), 1u);
  EXPECT_EQ(store_->find_document(shelf_, "a.md")->title, "Title of a.md");
  EXPECT_THAT(counts({shelf_, "", {}}, "fire"), ElementsAre(2, 1));
  EXPECT_EQ(store_->generation(shelf_), generation);
}

TEST_P(StoreContract, ARemovedDocumentIsGoneFromEveryTable) {
  store_->put_document(shelf_, document("a.md"));
  const int64_t generation = store_->generation(shelf_);
  EXPECT_TRUE(store_->remove_document(shelf_, "a.md"));
  const Scope scope{shelf_, "", {}};
  EXPECT_THAT(counts(scope, "fire"), IsEmpty());
  EXPECT_THAT(vectors(scope, "e1"), IsEmpty());
  EXPECT_THAT(store_->chunk_ids(scope), IsEmpty());
  EXPECT_THAT(store_->jobs(shelf_), IsEmpty());
  EXPECT_GT(store_->generation(shelf_), generation);
}

TEST_P(StoreContract, JobsSayWhatFailed) {
  store_->put_job(shelf_, {"bad.csv", "failed", "line 3"});
  store_->put_document(shelf_, document("good.md"));
  EXPECT_THAT(store_->jobs(shelf_),
              ElementsAre(JobRow{"bad.csv", "failed", "line 3"}, JobRow{"good.md", "done", ""}));
  DocumentContent mended = document("bad.csv");
  store_->put_document(shelf_, mended);
  EXPECT_EQ(store_->jobs(shelf_)[0].state, "done");
}

TEST_P(StoreContract, ChunksComeInTheOrderAskedFor) {
  store_->put_document(shelf_, document("a.md"));
  const Scope scope{shelf_, "", {}};
  std::vector<ChunkId> ids = store_->chunk_ids(scope);
  const ChunkId asked[] = {ids[1], 12345, ids[0]};
  const std::vector<ChunkView> found = store_->chunks(scope, asked);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].chunk.id, ids[1]);
  EXPECT_EQ(found[1].title, "Title of a.md");
}

TEST_P(StoreContract, GraphRowsLiveAsLongAsTheirChunks) {
  DocumentContent first = document("a.md");
  first.chunks[0].extractions = {says("kim", "seoul")};
  first.chunks[1].extractions = {says("kim", "busan")};
  DocumentContent second = document("b.md");
  second.chunks[0].extractions = {says("kim", "seoul")};
  store_->put_document(shelf_, first);
  store_->put_document(shelf_, second);
  const Scope all{shelf_, "", {}};
  GraphRows rows = store_->graph_rows(all);
  EXPECT_THAT(entity_keys(rows), ElementsAre("busan", "kim", "seoul"));
  EXPECT_EQ(rows.mentions.size(), 6u);
  EXPECT_EQ(rows.relations.size(), 2u);
  EXPECT_EQ(rows.evidence.size(), 3u);  // one relation is proved twice
  EXPECT_EQ(rows.properties.size(), 3u);
  EXPECT_EQ(rows.evidence[0].confidence, 0.5);
  store_->remove_document(shelf_, "a.md");
  rows = store_->graph_rows(all);
  EXPECT_THAT(entity_keys(rows), ElementsAre("kim", "seoul"));
  EXPECT_EQ(rows.relations.size(), 1u);
  store_->remove_document(shelf_, "b.md");
  rows = store_->graph_rows(all);
  EXPECT_TRUE(rows.entities.empty() && rows.mentions.empty() && rows.relations.empty() &&
              rows.evidence.empty() && rows.properties.empty());
  EXPECT_TRUE(store_->extractions(shelf_).empty());
}

TEST_P(StoreContract, AnExtractorReplacesItsOwnRowsOnly) {
  DocumentContent content = document("a.md");
  content.chunks[0].extractions = {says("kim", "seoul"), says("lee", "jeju", "import")};
  store_->put_document(shelf_, content);
  const ChunkId chunk = store_->chunk_ids({shelf_, "", {}}).at(0);
  Extraction again = says("park", "daegu");
  again.version = "2";
  const std::vector<ChunkExtraction> fresh = {{chunk, again}};
  store_->put_extractions(shelf_, fresh);
  EXPECT_THAT(entity_keys(store_->graph_rows({shelf_, "", {}})),
              ElementsAre("daegu", "jeju", "lee", "park"));
  const auto states = store_->extractions(shelf_);
  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(states[0].extractor, "import");
  EXPECT_EQ(states[1].version, "2");
  EXPECT_EQ(states[1].rejected.at("self-loop"), 2);
}

TEST_P(StoreContract, AFactWithoutItsEndsOrItsChunkIsRefusedWhole) {
  store_->put_document(shelf_, document("a.md"));
  const ChunkId chunk = store_->chunk_ids({shelf_, "", {}}).at(0);
  Extraction broken = says("kim", "seoul");
  broken.mentions.pop_back();
  const std::vector<ChunkExtraction> ends = {{chunk, broken}};
  const std::vector<ChunkExtraction> nowhere = {{chunk + 1000, says("kim", "seoul")}};
  for (const auto& wrong : {ends, nowhere}) {
    EXPECT_THROW(store_->put_extractions(shelf_, wrong), Error);
    EXPECT_TRUE(store_->graph_rows({shelf_, "", {}}).entities.empty());
  }
}

// A name, a fact or the number of its proofs must not tell what a hidden document says.
TEST_P(StoreContract, GraphRowsOfHiddenDocumentsAreNotThere) {
  DocumentContent open = document("open.md");
  open.chunks[0].extractions = {says("kim", "seoul")};
  DocumentContent secret = document("secret.md");
  secret.document.principals = {"kim"};
  secret.chunks[0].extractions = {says("kim", "seoul")};
  secret.chunks[1].extractions = {says("kim", "vault")};
  store_->put_document(shelf_, open);
  store_->put_document(shelf_, secret);
  const GraphRows seen = store_->graph_rows({shelf_, "lee", {}});
  EXPECT_THAT(entity_keys(seen), ElementsAre("kim", "seoul"));
  EXPECT_EQ(seen.relations.size(), 1u);
  EXPECT_EQ(seen.evidence.size(), 1u);
  EXPECT_EQ(seen.mentions.size(), 2u);
  EXPECT_EQ(seen.properties.size(), 1u);
  EXPECT_EQ(entity_keys(store_->graph_rows({shelf_, "kim", {}})).size(), 3u);
}

TEST_P(StoreContract, MergesAreKeptAndCanBeUndone) {
  const Merge merge{0, {"apa", ""}, {"american psychological association", ""}, "user", 1.0};
  const int64_t id = store_->put_merge(shelf_, merge);
  EXPECT_EQ(store_->put_merge(shelf_, merge), id);
  reopen();
  ASSERT_EQ(store_->merges(shelf_).size(), 1u);
  EXPECT_EQ(store_->merges(shelf_)[0].into.key, "american psychological association");
  EXPECT_FALSE(store_->merges(shelf_)[0].undone);
  const int64_t before = store_->generation(shelf_);
  EXPECT_TRUE(store_->undo_merge(shelf_, id));
  EXPECT_FALSE(store_->undo_merge(shelf_, id));
  EXPECT_FALSE(store_->undo_merge(shelf_, id + 1));
  EXPECT_TRUE(store_->merges(shelf_)[0].undone);
  EXPECT_GT(store_->generation(shelf_), before);
}

TEST_P(StoreContract, ClaimsComeBackAndGoWithTheirChunk) {
  DocumentContent open = document("open.md");
  Extraction said = says("kim", "seoul");
  const Claim claim{{"kim", "person"},
                    {"seoul", ""},
                    "visit",
                    "suspected",
                    "Kim went to Seoul.",
                    "2024-01-01",
                    "",
                    0,
                    3};
  said.claims = {claim};
  said.claims[0].subject = said.mentions[0].entity;
  said.claims[0].object = said.mentions[1].entity;
  open.chunks[0].extractions = {said};
  store_->put_document(shelf_, open);
  reopen();
  const GraphRows rows = store_->graph_rows({shelf_, "", {}});
  ASSERT_EQ(rows.claims.size(), 1u);
  EXPECT_EQ(rows.claims[0].text, claim.text);
  EXPECT_EQ(rows.claims[0].status, "suspected");
  EXPECT_EQ(rows.claims[0].valid_from, "2024-01-01");
  EXPECT_NE(rows.claims[0].object, 0);
  EXPECT_EQ(rows.claims[0].char_to, 3);
  store_->remove_document(shelf_, "open.md");
  EXPECT_TRUE(store_->graph_rows({shelf_, "", {}}).claims.empty());
}

TEST_P(StoreContract, AnOutputLivesAsLongAsEveryChunkItWasMadeOf) {
  store_->put_document(shelf_, document("a.md"));
  store_->put_document(shelf_, document("b.md"));
  const std::vector<ChunkId> chunks = store_->chunk_ids({shelf_, "", {}});
  const std::vector<ChunkId> of_both = {chunks.front(), chunks.back()};
  const std::vector<ChunkId> of_first = {chunks.front()};
  const int64_t before = store_->generation(shelf_);
  EXPECT_TRUE(store_->put_output(shelf_, "both", "old", of_both));
  EXPECT_TRUE(store_->put_output(shelf_, "both", "new", of_both));
  EXPECT_TRUE(store_->put_output(shelf_, "first", "a", of_first));
  EXPECT_TRUE(store_->put_output(shelf_, "none", "n", {}));
  EXPECT_EQ(store_->generation(shelf_), before);
  reopen();
  EXPECT_EQ(store_->find_output(shelf_, "both"), "new");
  store_->remove_document(shelf_, "b.md");
  EXPECT_EQ(store_->find_output(shelf_, "both"), std::nullopt);
  EXPECT_EQ(store_->find_output(shelf_, "first"), "a");
  EXPECT_EQ(store_->find_output(shelf_, "none"), "n");
  EXPECT_FALSE(store_->put_output(shelf_, "late", "x", of_both));
  EXPECT_EQ(store_->find_output(shelf_, "late"), std::nullopt);
}

INSTANTIATE_TEST_SUITE_P(BackEnds, StoreContract, ::testing::ValuesIn(kBackEnds),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace ondol::store
