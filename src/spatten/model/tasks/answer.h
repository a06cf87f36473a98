// SPDX-License-Identifier: Apache-2.0
// Extractive question answering (SQuAD v1 and v2): windows with a stride over long contexts, best span or no answer.
#pragma once

#include <string>
#include <vector>

#include "spatten/model/model.h"

namespace spatten {

struct Question {
  std::string question, context;
};

struct AnswerOptions {
  std::size_t max_length = 384;       // tokens of a window, question included; capped by the model's limit
  std::size_t stride = 128;           // tokens that neighbouring windows share
  std::size_t max_answer_tokens = 30;
  bool allow_no_answer = false;       // SQuAD v2: an empty answer when it scores best
  float no_answer_threshold = 0;      // empty when no_answer_score - score is above this
};

struct Answer {
  std::string answer;                              // a piece of the context, or empty
  std::size_t start_char = 0, end_char = 0;        // code points of the context, end exclusive
  float score = 0, no_answer_score = 0;            // start + end logit of the best span; of [CLS], smallest over windows
  std::vector<Encoding> windows;
  std::vector<RunReport> reports;                  // per window
};

std::vector<Answer> answer(const Model& model, const std::vector<Question>& questions, const AnswerOptions& answer_options,
                           const RunOptions& options);

}  // namespace spatten
