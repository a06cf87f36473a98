// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/answer.h"

#include <algorithm>
#include <limits>

#include "spatten/layers/linear.h"
#include "spatten/model/tasks/text.h"

namespace spatten {
namespace {

/// One window: its tokens, and which context tokens it shows.
struct Window {
  std::size_t question = 0;                      // index of its question
  Encoding tokens;
  std::size_t first_token = 0;                   // where the context starts in `tokens`
  std::size_t context_begin = 0, context_end = 0;  // context tokens
};

struct Prepared {
  Encoding question, context;  // without special tokens
};

Prepared prepare(const Model& model, const Question& q, std::size_t limit) {
  const EncodeOptions plain{false, false};
  Prepared p{model.tokenizer->encode(q.question, plain), model.tokenizer->encode(q.context, plain)};
  if (p.question.size() == 0) throw Error("expected a question, found none");
  if (p.context.size() == 0) throw Error("expected a context, found none");
  constexpr std::size_t kSpecial = 3;  // [CLS] question [SEP] context [SEP]
  if (p.question.size() + kSpecial >= limit) {
    throw Error(fmt::format("the question has {} tokens, a window takes {} with the context", p.question.size(), limit));
  }
  return p;
}

void add_windows(const Model& model, const Prepared& p, std::size_t question, std::size_t limit, std::size_t stride,
                 std::vector<Window>& out) {
  const std::size_t room = limit - p.question.size() - 3;
  const std::size_t step = room > stride ? room - stride : 1;
  for (std::size_t begin = 0;; begin += step) {
    Window w;
    w.question = question;
    w.context_begin = begin;
    w.context_end = std::min(begin + room, p.context.size());
    Encoding piece;
    piece.append(p.context, w.context_begin, w.context_end, 1);
    w.tokens = model.tokenizer->with_special_tokens(p.question, piece);
    w.first_token = p.question.size() + 2;
    out.push_back(std::move(w));
    if (out.back().context_end == p.context.size()) return;
  }
}

struct Span {
  float score = -std::numeric_limits<float>::infinity();
  std::size_t begin = 0, end = 0;  // context tokens, end exclusive
};

/// The best start and end in one window's logits (tokens x 2).
Span best_span(const Window& w, ConstMatrix logits, std::size_t max_tokens) {
  Span best;
  const std::size_t count = w.context_end - w.context_begin;
  for (std::size_t i = 0; i < count; ++i) {
    const float start = logits(w.first_token + i, 0);
    for (std::size_t j = i; j < std::min(count, i + max_tokens); ++j) {
      const float score = start + logits(w.first_token + j, 1);
      if (score > best.score) best = {score, w.context_begin + i, w.context_begin + j + 1};
    }
  }
  return best;
}

Answer make_answer(const Question& q, const Prepared& p, const Span& span, float no_answer, const AnswerOptions& options) {
  Answer a;
  a.score = span.score;
  a.no_answer_score = no_answer;
  if (options.allow_no_answer && no_answer - span.score > options.no_answer_threshold) return a;
  const Offset bytes{p.context.offsets[span.begin].begin, p.context.offsets[span.end - 1].end};
  const Offset characters = character_offsets(q.context, {bytes})[0];
  a.answer = q.context.substr(bytes.begin, bytes.end - bytes.begin);
  a.start_char = characters.begin;
  a.end_char = characters.end;
  return a;
}

}  // namespace

std::vector<Answer> answer(const Model& model, const std::vector<Question>& questions, const AnswerOptions& answer_options,
                           const RunOptions& options) {
  const Bert& bert = model.as_bert("question answering");
  const std::size_t limit = std::min<std::size_t>(answer_options.max_length, model.config.max_positions);
  std::vector<Prepared> prepared;
  std::vector<Window> windows;
  for (std::size_t q = 0; q < questions.size(); ++q) {
    prepared.push_back(prepare(model, questions[q], limit));
    add_windows(model, prepared.back(), q, limit, answer_options.stride, windows);
  }
  std::vector<Encoding> batch;
  for (const Window& w : windows) batch.push_back(w.tokens);
  EncoderOutput encoded = bert.encode(batch, options);
  const OwnedMatrix<float> logits = bert.spans(encoded.hidden.view(), options);

  std::vector<Answer> out;
  for (std::size_t q = 0, w = 0; q < questions.size(); ++q) {
    Span best;
    float no_answer = std::numeric_limits<float>::infinity();
    const std::size_t first = w;
    for (; w < windows.size() && windows[w].question == q; ++w) {
      const ConstMatrix rows = logits.view().rows_from(encoded.offsets[w], windows[w].tokens.size());
      const Span span = best_span(windows[w], rows, answer_options.max_answer_tokens);
      if (span.score > best.score) best = span;
      no_answer = std::min(no_answer, rows(0, 0) + rows(0, 1));
      add_head_ops(encoded.reports[w].work, matmul_ops(rows.rows, encoded.hidden.cols(), 2));
    }
    Answer a = make_answer(questions[q], prepared[q], best, no_answer, answer_options);
    for (std::size_t i = first; i < w; ++i) {
      a.windows.push_back(std::move(windows[i].tokens));
      a.reports.push_back(std::move(encoded.reports[i]));
    }
    out.push_back(std::move(a));
  }
  return out;
}

}  // namespace spatten
