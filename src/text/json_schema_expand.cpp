#include "text/json_schema_expand.inc"

#include <algorithm>
#include <deque>

namespace ondol::text::schema {
namespace {

constexpr size_t kWaysMax = 2000;
constexpr size_t kOneOfMax = 100;
constexpr size_t kSchemasMax = 5000;  // that hold together
constexpr size_t kChoicesMax = 200;

}  // namespace

struct Expander::Work {
  struct Choice {
    const Json* schema = nullptr;  // whose words these are
    const Json* one_of = nullptr;  // options that exclude each other, or
    std::vector<Schemas> options;
    int from = -1;
  };
  std::deque<int> todo;  // of steps_
  Schemas plain;
  std::deque<Choice> choices;
};

std::vector<Schemas> Expander::expand(const Schemas& schemas) {
  steps_.clear();
  ways_ = 0;
  Work work;
  for (const Json* schema : schemas) {
    work.todo.push_back(static_cast<int>(steps_.size()));
    steps_.push_back({schema, -1});
  }
  std::vector<Schemas> out;
  branch(std::move(work), out);
  return out;
}

// False: nothing satisfies it.
bool Expander::take_schema(const Step& step) {
  const Json* schema = step.schema;
  if (schema->is_boolean()) return schema->get<bool>();
  if (!schema->is_object()) {
    shared_.document.refuse(schema, "schema",
                            "got another value, expected an object, true or false",
                            ErrorCode::kInvalidArgument);
  }
  shared_.document.check_words(schema);
  if (says_nothing(*schema)) return true;
  for (int at = step.from; at >= 0; at = steps_[static_cast<size_t>(at)].from) {
    if (steps_[static_cast<size_t>(at)].schema == schema) {
      shared_.document.refuse(schema, "$ref",
                              "it leads back to itself and reads nothing on the way",
                              ErrorCode::kInvalidArgument);
    }
  }
  return true;
}

void Expander::branch(Work work, std::vector<Schemas>& out) {
  while (!work.todo.empty()) {
    const int index = work.todo.front();
    work.todo.pop_front();
    const Step step = steps_[static_cast<size_t>(index)];
    if (!take_schema(step)) return;
    const Json* schema = step.schema;
    if (schema->is_boolean() || says_nothing(*schema)) continue;
    if (std::find(work.plain.begin(), work.plain.end(), schema) != work.plain.end()) continue;
    take_words(work, schema, index);
    if (work.plain.size() > kSchemasMax || work.choices.size() > kChoicesMax) {
      shared_.document.refuse(schema, "allOf", "too many schemas hold together",
                              ErrorCode::kResourceExhausted);
    }
  }
  if (work.choices.empty()) {
    if (++ways_ > kWaysMax) {
      shared_.document.refuse(
          &shared_.document.root(), "anyOf",
          "more than " + std::to_string(kWaysMax) + " ways to combine alternatives",
          ErrorCode::kResourceExhausted);
    }
    out.push_back(std::move(work.plain));
    return;
  }
  Work::Choice choice = std::move(work.choices.front());
  work.choices.pop_front();
  if (choice.one_of != nullptr) choice.options = one_of(work, choice.one_of, choice.schema);
  for (const Schemas& option : choice.options) {
    Work next = work;
    for (const Json* schema : option) {
      next.todo.push_back(static_cast<int>(steps_.size()));
      steps_.push_back({schema, choice.from});
    }
    branch(std::move(next), out);
  }
}

void Expander::take_words(Work& work, const Json* schema, int from) {
  const auto add = [&](const Json* more) {
    work.todo.push_back(static_cast<int>(steps_.size()));
    steps_.push_back({more, from});
  };
  if (schema->contains("$ref")) {
    add(shared_.document.target(schema));
    if (shared_.document.reference_stands_alone()) return;
  }
  work.plain.push_back(schema);
  if (const Json* all = shared_.document.list(schema, "allOf")) {
    for (const Json& each : *all) add(&each);
  }
  if (const Json* any = shared_.document.list(schema, "anyOf")) {
    Work::Choice choice{.schema = schema, .from = from};
    for (const Json& each : *any) choice.options.push_back({&each});
    work.choices.push_back(std::move(choice));
  }
  if (const Json* one = shared_.document.list(schema, "oneOf")) {
    work.choices.push_back({.schema = schema, .one_of = one, .from = from});
  }
  if (const Json* never = shared_.document.schema_at(schema, "not")) add(opposite_of(never));
  const Json* condition = shared_.document.schema_at(schema, "if");
  const Json* then = shared_.document.schema_at(schema, "then");
  const Json* otherwise = shared_.document.schema_at(schema, "else");
  if (condition != nullptr && (then != nullptr || otherwise != nullptr)) {
    Schemas yes = {condition}, no = {opposite_of(condition)};
    if (then != nullptr) yes.push_back(then);
    if (otherwise != nullptr) no.push_back(otherwise);
    work.choices.push_back({.schema = schema, .options = {yes, no}, .from = from});
  }
  take_dependencies(work, schema, from);
}

// A property is missing, or what depends on it holds.
void Expander::take_dependencies(Work& work, const Json* schema, int from) {
  for (const char* word : {"dependencies", "dependentRequired", "dependentSchemas"}) {
    const Json* all = shared_.document.object(schema, word);
    if (all == nullptr) continue;
    for (const auto& item : all->items()) {
      const Json& needs = item.value();
      const std::string key = std::string(word) + "/" + item.key();
      const Json* missing = made(schema, "without " + key,
                                 [&] { return single("properties", single(item.key(), false)); });
      const Json* there = made(schema, "with " + key, [&] {
        Json required = Json::array({item.key()});
        if (needs.is_string()) required.push_back(needs);
        if (needs.is_array()) required.insert(required.end(), needs.begin(), needs.end());
        return Json{{"type", "object"}, {"required", required}};
      });
      Schemas present = {there};
      if (!needs.is_string() && !needs.is_array()) present.push_back(&needs);
      work.choices.push_back({.schema = schema, .options = {{missing}, present}, .from = from});
    }
  }
}

const Json* Expander::made(const Json* origin, const std::string& what,
                           const std::function<Json()>& make) {
  const auto known = shared_.made.find({origin, what});
  if (known != shared_.made.end()) return known->second;
  const Json* fresh = shared_.document.derived(make(), origin);
  shared_.made.emplace(std::pair{origin, what}, fresh);
  return fresh;
}

const Json* Expander::opposite_of(const Json* schema) {
  const auto known = shared_.made.find({schema, "opposite"});
  if (known != shared_.made.end()) return known->second;
  const Json* fresh = opposite(shared_.document, schema);
  shared_.made.emplace(std::pair{schema, "opposite"}, fresh);
  return fresh;
}

const Json* Expander::without_combinations(const Json* schema) {
  return made(schema, "rest", [&] {
    Json rest = *schema;
    for (const char* word : {"$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else",
                             "dependencies", "dependentRequired", "dependentSchemas"}) {
      rest.erase(word);
    }
    return rest;
  });
}

bool Expander::may_both_hold(const Work& work, const Json* a, const Json* b) {
  Schemas all;
  for (const Json* schema : work.plain) all.push_back(without_combinations(schema));
  all.push_back(a);
  all.push_back(b);
  // While it is being found out, the safe answer stands.
  const auto [at, fresh] = shared_.both.emplace(all, true);
  if (fresh) {
    const bool found = satisfiable_(all);
    shared_.both[all] = found;
    return found;
  }
  return at->second;
}

// An option and the opposite of every other that may hold beside it.
std::vector<Schemas> Expander::one_of(const Work& work, const Json* list, const Json* schema) {
  if (list->size() > kOneOfMax) {
    shared_.document.refuse(schema, "oneOf", "more than " + std::to_string(kOneOfMax) + " schemas",
                            ErrorCode::kResourceExhausted);
  }
  std::vector<Schemas> out(list->size());
  for (size_t i = 0; i < list->size(); ++i) out[i].push_back(&(*list)[i]);
  for (size_t i = 0; i < list->size(); ++i) {
    for (size_t j = i + 1; j < list->size(); ++j) {
      if (!may_both_hold(work, &(*list)[i], &(*list)[j])) continue;
      try {
        const Json* not_i = opposite_of(&(*list)[i]);
        const Json* not_j = opposite_of(&(*list)[j]);
        out[i].push_back(not_j);
        out[j].push_back(not_i);
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kUnsupported) throw;
        shared_.document.refuse(schema, "oneOf",
                                "schemas " + std::to_string(i) + " and " + std::to_string(j) +
                                    " may both hold, and the opposite of one cannot be written (" +
                                    error.what() + "); try anyOf");
      }
    }
  }
  return out;
}

}  // namespace ondol::text::schema
