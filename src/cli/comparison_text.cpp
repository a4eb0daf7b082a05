#include "cli/comparison_text.h"

#include <fmt/format.h>

#include "cli/terminal.h"

namespace ondol::cli {
namespace {

constexpr size_t kWidth = 80;
constexpr size_t kNameColumns = 20;

const std::string& pick(const eval::Text& text, Language language) {
  return language == Language::kKorean && !text.ko.empty() ? text.ko : text.en;
}

std::string padded(std::string_view text, size_t columns) {
  std::string cell(clip_columns(text, columns));
  cell.append(columns - display_columns(cell), ' ');
  return cell;
}

std::string table_head(Language language) {
  const bool korean = language == Language::kKorean;
  const auto right = [](std::string_view text, size_t columns) {
    return std::string(columns - display_columns(text), ' ') + std::string(text);
  };
  return "  " + padded(korean ? "방법" : "recipe", kNameColumns) +
         right(korean ? "점수" : "score", 6) + "  " +
         padded(korean ? "  95% 구간" : "  95% interval", 15) + right("P(best)", 8) +
         right(korean ? "초/질문" : "s p50", 9) + right(korean ? "토큰" : "tokens", 9) + "\n";
}

std::string table_row(const eval::CompareReport& report, size_t i) {
  const eval::RecipeVerdict& verdict = report.decision.verdicts[i];
  const eval::RecipeCost& cost = report.recipes[i].cost;
  const bool chosen = report.decision.chosen == static_cast<int>(i);
  const std::string interval =
      fmt::format("{:5.1f} - {:5.1f}", 100 * verdict.interval.low, 100 * verdict.interval.high);
  return fmt::format("{} {}{:6.1f}  {:<15}{:8.2f}{:9.3f}{:9.0f}\n", chosen ? ">" : " ",
                     padded(report.recipes[i].name, kNameColumns), 100 * verdict.mean, interval,
                     verdict.p_best, cost.latency_p50_s, cost.tokens_in + cost.tokens_out);
}

std::string paragraph(const std::string& text) { return wrap(text, kWidth, 0) + "\n"; }

std::string bullet(const std::string& text) { return "- " + wrap(text, kWidth, 2) + "\n"; }

}  // namespace

std::string comparison_text(const app::CompareOutcome& outcome, Language language) {
  const eval::CompareReport& report = outcome.report;
  const eval::Decision& decision = report.decision;
  std::string text = table_head(language);
  for (size_t i = 0; i < report.recipes.size() && i < decision.verdicts.size(); ++i) {
    text += table_row(report, i);
  }
  text += "\n" + paragraph(pick(decision.headline, language));
  for (const eval::Text& reason : decision.reasons) text += bullet(pick(reason, language));
  for (const eval::Text& warning : report.warnings) text += bullet(pick(warning, language));
  text += "\n" + (outcome.folder / "report.html").string() + "\n";
  text += (outcome.folder / "report.json").string() + "\n";
  if (!outcome.recommended.empty()) text += outcome.recommended.string() + "\n";
  if (!report.next.empty()) text += "\n";
  for (const eval::NextCommand& next : report.next) {
    text += "  " + next.command + "\n      " + wrap(pick(next.what, language), kWidth, 6) + "\n";
  }
  return text;
}

}  // namespace ondol::cli
