// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/accelerator.h"

namespace spatten::sim {
namespace {

// Room for 16 of the longest rows (published RTL).
std::uint32_t reorder_lines(const ChipSpec& chip) { return chip.key_sram.lines * 16; }

Controller::Shape controller_shape(const ChipSpec& chip) {
  return {chip.fetcher.lanes,           chip.results_per_line(), chip.key_sram.lines,
          chip.key_sram.allocations, chip.value_sram.lines,   chip.value_sram.allocations, reorder_lines(chip)};
}

// Probabilities that wait for their values: eight full lines of ids (published RTL: 64 at full size).
std::uint32_t probability_queue(const ChipSpec& chip) { return chip.fetcher.lanes / chip.results_per_line() * 16; }

}  // namespace

Accelerator::Accelerator(const ChipSpec& chip, Memory& memory, RowSource& rows, Datapath* datapath)
    : chip_(chip),
      access_bytes_(memory.access_bytes()),
      controller_(chip.controller, controller_shape(chip), ProbVUnit::latency(chip.results_per_line()), rows),
      fetcher_(chip.fetcher, memory.access_bytes()),
      address_crossbar_(chip.crossbar, chip.fetcher.lanes, memory.channels(), memory.access_bytes(), memory.capacity_bytes()),
      memory_(memory),
      data_crossbar_(chip.fetcher.lanes, memory.channels()),
      converter_({chip.fetcher.lanes, chip.results_per_line(), chip.array.multipliers,
                  chip.rows.widths == RowSpec::Widths::kStored ? 32u : 8u, memory.access_bytes()}),
      key_sram_(Sram::Role::kKey, chip.key_sram, chip.results_per_line()),
      qk_(chip.qk, chip.controller.fetch_queries, datapath),
      softmax_(chip.softmax, chip.qk.latency(), chip.results_per_line(), datapath),
      requant_(chip.requant, {chip.results_per_line(), chip.key_sram.lines}, datapath),
      reorder_(reorder_lines(chip)),
      topk_(chip.topk, chip.results_per_line(), datapath),
      eliminator_("zero_eliminator"),
      value_sram_(Sram::Role::kValue, chip.value_sram, chip.results_per_line()),
      prob_v_({chip.results_per_line(), probability_queue(chip)}, datapath),
      token_importance_(ImportanceUnit::Of::kTokens, chip.results_per_line(), datapath),
      head_importance_(ImportanceUnit::Of::kHeads, chip.results_per_line(), datapath),
      token_topk_(chip.topk.lanes),
      token_eliminator_("token_zero_eliminator") {
  wire();
}

// Fig. 8, from the ids to the outputs.
void Accelerator::wire() {
  connect(controller_.key_lines, fetcher_.key_lines);
  connect(controller_.value_lines, fetcher_.value_lines);
  connect(fetcher_.accesses, address_crossbar_.in);
  connect(address_crossbar_.out, memory_.in);
  connect(memory_.out, data_crossbar_.in);
  connect(data_crossbar_.out, fetcher_.data);
  connect(fetcher_.sets, converter_.in);
  connect(converter_.query, qk_.query);
  connect(converter_.weights_done, controller_.weights_done);
  connect(converter_.key, key_sram_.write);
  connect(converter_.value, value_sram_.write);
  connect(value_sram_.written, controller_.value_written);
  connect(controller_.key_reads, key_sram_.read);
  connect(key_sram_.out, qk_.keys);
  connect(qk_.key_done, controller_.key_done);
  connect(qk_.scores, softmax_.in);
  connect(softmax_.out, requant_.in);
  connect(requant_.decisions, controller_.decisions);
  connect(requant_.out, reorder_.in);
  connect(reorder_.out, topk_.in);
  connect(topk_.out, controller_.selected);
  connect(topk_.passes, eliminator_.passes);
  connect(topk_.filtered, eliminator_.filtered);
  connect(controller_.probabilities, prob_v_.probabilities);
  connect(controller_.value_reads, value_sram_.read);
  connect(value_sram_.out, prob_v_.values);
  connect(prob_v_.done, controller_.outputs);
  connect(controller_.selections, token_topk_.in);
  connect(token_topk_.done, controller_.selection_done);
  connect(token_topk_.passes, token_eliminator_.passes);
  connect(token_topk_.filtered, token_eliminator_.filtered);
  if (chip_.controller.write_outputs) connect(prob_v_.writes, memory_.writes);
  if (chip_.importance) {
    connect(reorder_.importance, token_importance_.in);
    connect(prob_v_.importance, head_importance_.in);
  }
  units_ = {&controller_, &fetcher_,    &address_crossbar_, &memory_,     &data_crossbar_,    &converter_,       &key_sram_,
            &qk_,         &softmax_,    &requant_,          &reorder_,    &topk_,             &eliminator_,      &value_sram_,
            &prob_v_,     &token_importance_, &head_importance_, &token_topk_, &token_eliminator_};
  for (Unit* unit : units_) engine_.add(*unit);
  engine_.watch([this] {
    return fetcher_.stats().accesses + data_crossbar_.stats().transfers + key_sram_.stats().lines_read + value_sram_.stats().lines_read + topk_.stats().kept +
           controller_.stats().rows + memory_.bytes_written();
  });
}

Cycles Accelerator::run(const std::function<bool()>& every) {
  return engine_.run([this] { return controller_.finished() && memory_.drained(); }, every);
}

std::vector<UnitResult> Accelerator::units() const {
  std::vector<UnitResult> results;
  for (const Unit* unit : units_) results.push_back({unit->name(), unit->activity(), unit->counters()});
  return results;
}

StreamBytes Accelerator::bytes() const {
  const auto& read = fetcher_.stats().bytes;
  return {read[0], read[1], read[2], read[3], memory_.bytes_written(), read[4]};
}

}  // namespace spatten::sim
