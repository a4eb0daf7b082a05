// Every label of the graph page, in both languages; {0}, {1} are filled in.
#include "app/graph_page/parts.h"

namespace ondol::app::graph_parts {

std::string_view script_words() {
  return R"js(
const WORDS = {
  en: {
    other: '한국어', dark: 'Dark', light: 'Light',
    whole: 'Knowledge graph · the {0} most central of {1} entities', everything: 'Knowledge graph · all {0} entities', near: 'Knowledge graph · “{0}” and the {1} entities nearest to it, of {2}',
    search: 'Search a name', allCommunities: 'All communities', allTypes: 'All classes', allDocuments: 'All documents', noType: '(no class)',
    community: 'Community', type: 'Class', document: 'Document', clear: 'Show all', larger: 'Zoom in', smaller: 'Zoom out', fit: 'Fit', single: 'Standing alone',
    status: '{0} entities, {1} links', hidden: ' · {0} weaker links are not drawn',
    picture: 'Graph of {0} entities and {1} links. Arrow keys move, plus and minus zoom, 0 fits. The same entities stand in the list beside it.',
    entities: 'Entities', none: 'Nothing matches.', more: 'Show {0} more', communities: 'Communities',
    hint: 'Choose an entity or a link, here or in the picture.',
    back: 'All entities', also: 'Also called', mentions: '{0} mentions in {1} passages', hub: 'named nearly everywhere',
    facts: 'Facts', beside: 'Named in one sentence with', named: 'Where it is named', someOf: '({0} of {1} passages)',
    why: 'why', together: 'Named together', togetherIn: 'in {0} passages, strength {1}', proofs: 'Proved by', noProof: 'The sentence is no longer in the store.',
    title: 'title', from: 'from {0}', until: 'until {0}', sure: 'certainty {0} %', noLinks: 'Nothing is linked to it in this view.',
    pathFrom: 'Path from here', pathHere: 'Path from {0} to here', choose: 'Now choose where the path ends.', cancel: 'Cancel',
    path: 'From {0} to {1}', steps: '{0} steps', noPath: 'No path between them in what is shown.', properties: 'Properties',
  },
  ko: {
    other: 'English', dark: '어둡게', light: '밝게',
    whole: '지식 그래프 · 개체 {1}개 가운데 가장 중심에 있는 {0}개', everything: '지식 그래프 · 개체 {0}개 전체', near: '지식 그래프 · 개체 {2}개 가운데 “{0}”와(과) 가장 가까운 {1}개',
    search: '이름 찾기', allCommunities: '모든 묶음', allTypes: '모든 종류', allDocuments: '모든 문서', noType: '(종류 없음)',
    community: '묶음', type: '종류', document: '문서', clear: '모두 보기', larger: '확대', smaller: '축소', fit: '전체 보기', single: '홀로 있는 것',
    status: '개체 {0}개, 연결 {1}개', hidden: ' · 약한 연결 {0}개는 그리지 않았습니다',
    picture: '개체 {0}개와 연결 {1}개의 그래프입니다. 화살표 키로 움직이고, 더하기와 빼기 키로 크기를 바꾸고, 0 키로 전체를 봅니다. 같은 개체가 옆의 목록에도 있습니다.',
    entities: '개체', none: '해당하는 것이 없습니다.', more: '{0}개 더 보기', communities: '묶음',
    hint: '여기나 그림에서 개체 또는 연결을 고르세요.',
    back: '전체 목록', also: '다른 이름', mentions: '문단 {1}곳에서 {0}번 언급', hub: '거의 모든 곳에 나오는 이름',
    facts: '사실', beside: '같은 문장에 나오는 이름', named: '나오는 곳', someOf: '(문단 {1}곳 가운데 {0}곳)',
    why: '근거', together: '함께 나오는 문장', togetherIn: '문단 {0}곳, 세기 {1}', proofs: '근거 문장', noProof: '이 문장은 저장소에 더 이상 없습니다.',
    title: '제목', from: '{0}부터', until: '{0}까지', sure: '확실함 {0} %', noLinks: '이 그림에는 연결된 것이 없습니다.',
    pathFrom: '여기서 길 찾기', pathHere: '{0}에서 여기까지 길 찾기', choose: '길이 끝나는 개체를 고르세요.', cancel: '취소',
    path: '{0}에서 {1}까지', steps: '{0}단계', noPath: '보이는 것 가운데에는 둘을 잇는 길이 없습니다.', properties: '속성',
  },
};
)js";
}

}  // namespace ondol::app::graph_parts
