// Every label of the page, in both languages; {0}, {1} are filled in.
#include "eval/report/page.h"

namespace ondol::eval::page {

std::string_view script_words() {
  return R"js(
const WORDS = {
  en: {
    other: '한국어', dark: 'Dark', light: 'Light',
    about: '{0} questions ({1} split) · {2} recipes · {3}',
    status: { clear_best: ['Nothing cheaper keeps up', 'good'], cheaper_is_enough: ['The cheaper one is enough', 'good'],
      undecided: ['Not settled yet', 'open'], all_fail: ['Nothing worked', 'bad'], none_allowed: ['No recipe within limits', 'bad'] },
    factScore: 'points of 100', factCost: 'an answer', factBest: 'chance to be the best', factMore: 'more questions to settle it',
    factMemory: 'memory at the peak', power: 'How sure can this be?', note: 'Please note', next: 'What to do next',
    table: 'All recipes', tableLead: 'Best score first. The bar shows the score; the thin line shows where it may lie on other questions of the same kind.',
    recipe: 'Recipe', score: 'Score of 100', versus: 'Against the best', cost: 'Time an answer', first: 'First word', tokens: 'Tokens in / out',
    memory: 'Memory', build: 'Set-up', chance: 'Chance best', recommended: 'recommended', top: 'highest score',
    behind: '{0} points behind', level: 'level', worse: 'clearly worse', enough: 'good enough', open: 'not settled', overCap: 'over a limit',
    charts: 'Quality and cost', chartsLead: 'Higher answers better, further left costs less. Lines show the uncertainty.',
    scoreAxis: 'score of 100', logAxis: '(each step is ten times as much)',
    forest: 'Against the best', forestLead: 'Each line is what the true difference to {0} may be. In the shaded zone a recipe is good enough by your margin of {1} points.',
    worseSide: '← worse', betterSide: 'better →', fromTo: '{0} to {1}',
    questions: 'Question by question', questionsLead: 'Open a question to see what was expected, what each recipe said and which passages it read.',
    all: 'All ({0})', wrong: 'Missed by {1} ({0})', differs: 'Recipes differ ({0})', search: 'Search', none: 'No question matches.',
    more: 'Show {0} more', expected: 'Expected', nothing: 'Nothing: the documents do not say. A refusal is right.', quote: 'Where it stands',
    judged: 'Judged by', noAnswer: '(no text)', refusedMark: 'refused', failed: 'failed', passages: 'Passages read ({0})', prompt: 'Prompt',
    cited: 'cited', goldMark: 'holds the answer', repeats: 'Other tries ({0})', right: 'right', part: 'partly', missed: 'missed',
    metrics: 'All measures', metricsLead: 'Other ways to look at the same answers, with the range the true value may lie in.',
    reading: 'How to read this',
    readingText: [
      ['Score', 'Each answer gets 0 to 100 points; a recipe\'s score is the average over the questions.'],
      ['Range', 'Other questions would have given another score. The range holds the true value in {0} of 100 such comparisons. Few questions make it wide.'],
      ['Difference', 'All recipes answered the same questions, so differences are taken question by question. "No difference shown" does not mean equal: it means these questions cannot tell.'],
      ['Recommendation', 'The cheapest recipe that is shown to be no more than {1} points worse than the best. If that cannot be shown, the best one, and how many more questions would settle it.'],
      ['Chance to be best', 'The questions are drawn again ten thousand times; the chance is how often a recipe comes first.'],
      ['Clearly worse', 'An exact test, made stricter for the number of comparisons (Holm), says that luck is an unlikely explanation.'] ],
    environment: 'How it was measured', config: 'Settings of {0}', pairsTitle: 'All comparisons, with the test behind each',
    pairHead: ['Comparison', 'Difference', 'Range', 'Better on', 'Worse on', 'Test', 'p', 'p (Holm)'],
    footer: 'Made by {0}. Nothing on this page was loaded from anywhere; report.json beside it holds the same data.',
    command: 'Command', seed: 'Seed', repeatsLabel: 'Tries a question', margin: 'Margin', program: 'Program', made: 'Made',
  },
  ko: {
    other: 'English', dark: '어둡게', light: '밝게',
    about: '질문 {0}개 ({1} 분할) · 레시피 {2}개 · {3}',
    status: { clear_best: ['더 싼 것으로는 부족합니다', 'good'], cheaper_is_enough: ['더 싼 쪽으로 충분합니다', 'good'],
      undecided: ['아직 확실하지 않습니다', 'open'], all_fail: ['모두 실패했습니다', 'bad'], none_allowed: ['한도 안의 레시피가 없습니다', 'bad'] },
    factScore: '점 (100점 만점)', factCost: '답변 하나에', factBest: '최고일 확률', factMore: '개의 질문이 더 필요',
    factMemory: '최대 메모리', power: '얼마나 믿을 수 있나요?', note: '참고하세요', next: '다음에 할 일',
    table: '모든 레시피', tableLead: '점수가 높은 순서입니다. 막대는 점수, 가는 선은 비슷한 다른 질문에서 점수가 놓일 수 있는 범위입니다.',
    recipe: '레시피', score: '점수 (100점)', versus: '최고와 비교', cost: '답변 시간', first: '첫 단어까지', tokens: '토큰 입력 / 출력',
    memory: '메모리', build: '준비 시간', chance: '최고일 확률', recommended: '추천', top: '최고 점수',
    behind: '{0}점 낮음', level: '같음', worse: '분명히 낮음', enough: '충분히 좋음', open: '확인되지 않음', overCap: '한도 초과',
    charts: '품질과 비용', chartsLead: '위로 갈수록 답이 좋고, 왼쪽으로 갈수록 비용이 적습니다. 선은 불확실한 범위입니다.',
    scoreAxis: '점수 (100점)', logAxis: '(한 칸마다 열 배)',
    forest: '최고와의 차이', forestLead: '선은 {0} 대비 실제 차이가 놓일 수 있는 범위입니다. 칠해진 곳은 허용 폭 {1}점 안, 곧 충분히 좋은 구간입니다.',
    worseSide: '← 낮음', betterSide: '높음 →', fromTo: '{0} ~ {1}',
    questions: '질문별로 보기', questionsLead: '질문을 열면 정답, 각 레시피의 답변, 읽은 문단을 볼 수 있습니다.',
    all: '전체 ({0})', wrong: '{1} 오답 ({0})', differs: '결과가 다른 질문 ({0})', search: '찾기', none: '해당하는 질문이 없습니다.',
    more: '{0}개 더 보기', expected: '정답', nothing: '없음: 문서에 답이 없는 질문이며, 거절이 맞는 답입니다.', quote: '근거 위치',
    judged: '채점 방법', noAnswer: '(내용 없음)', refusedMark: '거절', failed: '실패', passages: '읽은 문단 ({0})', prompt: '프롬프트',
    cited: '인용됨', goldMark: '정답이 있는 곳', repeats: '다른 시도 ({0})', right: '맞음', part: '일부 맞음', missed: '틀림',
    metrics: '모든 지표', metricsLead: '같은 답변을 다른 방법으로 본 값과, 실제 값이 놓일 수 있는 범위입니다.',
    reading: '읽는 법',
    readingText: [
      ['점수', '답변마다 0점에서 100점을 받습니다. 레시피의 점수는 질문 전체의 평균입니다.'],
      ['범위', '질문이 달랐다면 점수도 달랐을 것입니다. 이런 비교 100번 가운데 {0}번은 실제 값이 이 범위 안에 있습니다. 질문이 적으면 범위가 넓어집니다.'],
      ['차이', '모든 레시피가 같은 질문에 답했으므로 질문마다 차이를 구합니다. "차이가 확인되지 않음"은 같다는 뜻이 아니라, 이 질문들로는 알 수 없다는 뜻입니다.'],
      ['추천', '최고보다 {1}점 넘게 나쁘지 않다고 확인된 레시피 가운데 가장 싼 것입니다. 확인할 수 없으면 최고 점수의 레시피를 추천하고, 질문이 몇 개 더 필요한지 알려 줍니다.'],
      ['최고일 확률', '질문을 만 번 다시 뽑아 보았을 때 그 레시피가 1등을 한 비율입니다.'],
      ['분명히 낮음', '비교 횟수를 감안해 더 엄격하게 한(Holm) 정확 검정에서, 우연으로 보기 어렵다는 뜻입니다.'] ],
    environment: '측정 조건', config: '{0} 설정', pairsTitle: '모든 비교와 검정 결과',
    pairHead: ['비교', '차이', '범위', '더 나은 질문', '더 못한 질문', '검정', 'p', 'p (Holm)'],
    footer: '{0}이(가) 만들었습니다. 이 페이지는 외부에서 아무것도 불러오지 않으며, 같은 데이터가 report.json에 있습니다.',
    command: '명령', seed: '시드', repeatsLabel: '질문당 시도', margin: '허용 폭', program: '프로그램', made: '만든 때',
  },
};
)js";
}

}  // namespace ondol::eval::page
