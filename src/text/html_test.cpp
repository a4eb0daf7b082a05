#include "text/html.h"

#include <gtest/gtest.h>

namespace ondol::text {
namespace {

TEST(EscapeHtml, LeavesNothingThatHtmlWouldRead) {
  EXPECT_EQ(escape_html("a <b href=\"x\" c='y'> & 온돌"),
            "a &lt;b href=&quot;x&quot; c=&#39;y&#39;&gt; &amp; 온돌");
  EXPECT_EQ(escape_html("\xFF<"), "\xEF\xBF\xBD&lt;");
  EXPECT_EQ(escape_html(""), "");
}

}  // namespace
}  // namespace ondol::text
