#include "eval/decision_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ondol::eval {
namespace {

std::string amount(double cost, CostAxis axis) {
  if (axis == CostAxis::kTokens) return fmt::format("{:.0f}", cost);
  return cost < 1 ? fmt::format("{:.0f} ms", cost * 1000) : fmt::format("{:.1f} s", cost);
}

class Writer {
 public:
  Writer(const DecisionInput& input, Decision& decision) : input_(input), decision_(decision) {}

  void write() {
    switch (decision_.status) {
      case DecisionStatus::kNoneAllowed:
        decision_.headline = {"No recipe stays within the limits you set.",
                              "정하신 한도를 지키는 레시피가 없습니다."};
        break;
      case DecisionStatus::kAllFail:
        decision_.headline = {
            "No recipe answered a single question: read some answers below before choosing one.",
            "어떤 레시피도 질문에 답하지 못했습니다. 고르기 전에 아래 답변을 먼저 살펴보세요."};
        break;
      case DecisionStatus::kCheaperIsEnough:
        cheaper_headline();
        break;
      case DecisionStatus::kUndecided:
        undecided_headline();
        break;
      case DecisionStatus::kClearBest:
        best_headline();
        break;
    }
    if (decision_.chosen >= 0 && decision_.status != DecisionStatus::kAllFail) {
      score_reason();
      versus_reasons();
      more_questions_reason();
      cost_reason();
      chance_reason();
    }
    caps_reason();
  }

 private:
  const std::string& name(int r) const { return input_.recipes[static_cast<size_t>(r)].name; }
  const RecipeVerdict& verdict(int r) const { return decision_.verdicts[static_cast<size_t>(r)]; }
  std::string margin() const { return points(decision_.options.margin); }
  void reason(std::string en, std::string ko) {
    decision_.reasons.push_back({std::move(en), std::move(ko)});
  }

  void cheaper_headline() {
    const double cheap = verdict(decision_.chosen).cost, dear = verdict(decision_.best).cost;
    const std::string times = cheap > 0 ? fmt::format("{:.1f}", dear / cheap) : "";
    decision_.headline = {
        fmt::format("Use {}: as good as {} to within {} points, at {} the cost.",
                    name(decision_.chosen), name(decision_.best), margin(),
                    times.empty() ? "less than" : "1/" + times + " of"),
        fmt::format("추천: {}. {}에 비해 {}점 넘게 뒤지지 않으면서 비용은 {} 수준입니다.",
                    name(decision_.chosen), name(decision_.best), margin(),
                    times.empty() ? "더 낮은" : "1/" + times)};
  }

  void undecided_headline() {
    decision_.headline = {
        fmt::format("Use {} for now: it leads, but {} questions are too few to be sure.",
                    name(decision_.chosen), decision_.questions),
        fmt::format("지금은 {} 추천: 앞서 있지만 질문 {}개로는 확신할 수 없습니다.",
                    name(decision_.chosen), decision_.questions)};
  }

  void best_headline() {
    if (decision_.runner_up < 0) {
      decision_.headline = {fmt::format("Only {} was measured.", name(decision_.chosen)),
                            fmt::format("측정한 레시피는 {} 하나입니다.", name(decision_.chosen))};
      return;
    }
    if (any_cheaper()) {
      decision_.headline = {
          fmt::format("Use {}: everything cheaper answers clearly worse.", name(decision_.chosen)),
          fmt::format("추천: {}. 더 싼 레시피는 모두 분명히 더 나쁩니다.", name(decision_.chosen))};
    } else {
      decision_.headline = {
          fmt::format("Use {}: nothing did better, and nothing costs less.",
                      name(decision_.chosen)),
          fmt::format("추천: {}. 더 나은 것도, 더 싼 것도 없습니다.", name(decision_.chosen))};
    }
  }

  bool any_cheaper() const {
    const RecipeVerdict& chosen = verdict(decision_.chosen);
    return std::any_of(decision_.verdicts.begin(), decision_.verdicts.end(), [&](const auto& v) {
      return v.within_caps && v.cost * (1 + decision_.options.cost_tolerance) < chosen.cost;
    });
  }

  void score_reason() {
    const RecipeVerdict& chosen = verdict(decision_.chosen);
    const std::string score = of_hundred(chosen.mean), low = of_hundred(chosen.interval.low),
                      high = of_hundred(chosen.interval.high);
    reason(fmt::format("{} scores {} of 100 on {} questions; on other questions of this kind "
                       "expect between {} and {}.",
                       name(decision_.chosen), score, decision_.questions, low, high),
           fmt::format("{}: 질문 {}개에서 100점 만점에 {}점. 비슷한 다른 질문에서는 {}점에서 "
                       "{}점 사이를 기대할 수 있습니다.",
                       name(decision_.chosen), decision_.questions, score, low, high));
  }

  // The two or three comparisons that carried the decision.
  void versus_reasons() {
    constexpr int kComparisonsMax = 3;
    std::vector<int> order;
    for (int r = 0; r < static_cast<int>(decision_.verdicts.size()); ++r) {
      if (r != decision_.best && verdict(r).within_caps) order.push_back(r);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return verdict(a).mean > verdict(b).mean; });
    int said = 0;
    for (const int r : order) {
      if (said++ == kComparisonsMax) break;
      versus(r);
    }
  }

  void versus(int r) {
    const RecipeVerdict& v = verdict(r);
    const std::string& best = name(decision_.best);
    const std::string worst = points(-v.difference_interval.low);
    if (v.shown_worse) {
      reason(fmt::format("{} is clearly worse than {}: {} points behind.", name(r), best,
                         points(-v.difference)),
             fmt::format("{}: {}보다 {}점 낮아 분명히 뒤집니다.", name(r), best,
                         points(-v.difference)));
    } else if (v.good_enough) {
      reason(fmt::format("{} is at most {} points behind {}: good enough by your margin of {}.",
                         name(r), worst, best, margin()),
             fmt::format("{}: {}보다 많아야 {}점 낮아, 허용 폭 {}점 안입니다.", name(r), best,
                         worst, margin()));
    } else {
      const double up = std::max(0.0, v.difference_interval.high);
      const bool may_lead = up >= 0.0005;  // below, it would print as "0 better"
      reason(fmt::format(
                 "No difference shown between {} and {}: {} could be up to {} points worse{}.",
                 name(r), best, name(r), worst, may_lead ? " or " + points(up) + " better" : ""),
             fmt::format("{}: {}와(과)의 차이가 확인되지 않았습니다. 최대 {}점 낮{} 수 있습니다.",
                         name(r), best, worst, may_lead ? "거나 " + points(up) + "점 높을" : "을"));
    }
  }

  void more_questions_reason() {
    if (decision_.status != DecisionStatus::kUndecided) return;
    if (decision_.questions_more > 0) {
      reason(fmt::format("About {} more {} would settle it.", decision_.questions_more,
                         decision_.questions_more == 1 ? "question" : "questions"),
             fmt::format("질문이 {}개쯤 더 있으면 결론이 납니다.", decision_.questions_more));
    } else {
      reason("The recipes are so close that more questions would hardly settle it; choose by cost.",
             "레시피 사이의 차이가 아주 작아 질문을 늘려도 가리기 어렵습니다. 비용으로 고르세요.");
    }
  }

  void cost_reason() {
    if (decision_.runner_up < 0) return;
    const CostAxis axis = decision_.options.cost_axis;
    const Text unit = cost_axis_name(axis);
    const std::string a = amount(verdict(decision_.chosen).cost, axis);
    const std::string b = amount(verdict(decision_.runner_up).cost, axis);
    reason(fmt::format("Cost ({}): {} {}, {} {}.", unit.en, name(decision_.chosen), a,
                       name(decision_.runner_up), b),
           fmt::format("비용({}): {} {}, {} {}.", unit.ko, name(decision_.chosen), a,
                       name(decision_.runner_up), b));
  }

  void chance_reason() {
    if (decision_.runner_up < 0) return;
    const RecipeVerdict& chosen = verdict(decision_.chosen);
    const double percent = std::clamp(std::round(100 * chosen.p_best), 1.0, 99.0);
    reason(fmt::format("The chance that it is the best of these is about {:.0f} %; if it is not, "
                       "you give away {} points on average.",
                       percent, points(chosen.expected_regret)),
           fmt::format("이 가운데 최고일 확률은 약 {:.0f} %이고, 아니더라도 평균 손해는 "
                       "{}점입니다.",
                       percent, points(chosen.expected_regret)));
  }

  void caps_reason() {
    for (int r = 0; r < static_cast<int>(decision_.verdicts.size()); ++r) {
      if (verdict(r).within_caps) continue;
      reason(fmt::format("{} was left out: it is over a limit you set.", name(r)),
             fmt::format("{}: 정하신 한도를 넘어 제외했습니다.", name(r)));
    }
  }

  const DecisionInput& input_;
  Decision& decision_;
};

}  // namespace

std::string points(double score_difference) {
  const double value = 100 * score_difference;
  const std::string text = fmt::format("{:.1f}", std::abs(value) < 0.05 ? 0.0 : value);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

std::string of_hundred(double score) { return fmt::format("{:.0f}", 100 * score); }

Text cost_axis_name(CostAxis axis) {
  switch (axis) {
    case CostAxis::kLatency:
      return {"median time an answer", "답변 시간 중앙값"};
    case CostAxis::kCpu:
      return {"processor time an answer", "답변당 CPU 시간"};
    case CostAxis::kTokens:
      break;
  }
  return {"tokens an answer", "답변당 토큰"};
}

void explain(const DecisionInput& input, Decision& decision) { Writer(input, decision).write(); }

Text power_sentence(int64_t questions, double expected_discordance) {
  const std::string found =
      of_hundred(smallest_detectable_from_discordance(expected_discordance, questions));
  return {fmt::format("With {} questions, only differences of about {} points or more will be seen "
                      "(8 times in 10); smaller ones need more questions.",
                      questions, found),
          fmt::format("질문 {}개로는 약 {}점 이상의 차이만 알아볼 수 있습니다(열 번에 여덟 번). 더 "
                      "작은 차이를 보려면 질문이 더 필요합니다.",
                      questions, found)};
}

}  // namespace ondol::eval
