// Templates of a recipe: text with {named} variables.
//
//   fill_template("{passages}Question: {question}", {{"passages", ""}, {"question", "Why?"}})
//
// `{{` and `}}` are literal braces. An unknown name is an Error that lists the known ones: a
// template never shows a hole to the model. Values are put in as they are and not looked at again.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace ondol::prompt {

std::string fill_template(std::string_view source,
                          const std::map<std::string, std::string>& values);

}  // namespace ondol::prompt
