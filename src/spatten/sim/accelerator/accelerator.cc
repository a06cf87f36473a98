// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/accelerator.h"

namespace spatten::sim {
namespace {

Controller::Shape controller_shape(const ChipSpec& chip) {
  return {chip.fetcher.lanes,           chip.results_per_line(), chip.key_sram.lines,
          chip.key_sram.allocations, chip.value_sram.lines,   chip.value_sram.allocations};
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
                  chip.rows.widths == RowSpec::Widths::kStored ? 32u : 8u}),
      key_sram_(Sram::Role::kKey, chip.key_sram, chip.results_per_line()),
      qk_(chip.qk, chip.controller.fetch_queries, datapath),
      softmax_(chip.softmax, chip.qk.latency(), chip.results_per_line(), datapath),
      requant_(chip.requant, {chip.results_per_line(), chip.key_sram.lines}, datapath),
      reorder_(chip.key_sram.lines * 16),
      topk_(chip.topk, chip.results_per_line(), datapath),
      value_sram_(Sram::Role::kValue, chip.value_sram, chip.results_per_line()),
      prob_v_({chip.results_per_line(), probability_queue(chip)}, datapath),
      token_importance_(ImportanceUnit::Of::kTokens, chip.results_per_line()),
      head_importance_(ImportanceUnit::Of::kHeads, chip.results_per_line()) {
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
  connect(controller_.probabilities, prob_v_.probabilities);
  connect(controller_.value_reads, value_sram_.read);
  connect(value_sram_.out, prob_v_.values);
  connect(prob_v_.done, controller_.outputs);
  connect(controller_.selections, token_topk_.in);
  connect(token_topk_.done, controller_.selection_done);
  if (chip_.controller.write_outputs) connect(prob_v_.writes, memory_.writes);
  if (chip_.importance) {
    connect(reorder_.importance, token_importance_.in);
    connect(prob_v_.importance, head_importance_.in);
  }
  for (Unit* unit : {static_cast<Unit*>(&controller_), static_cast<Unit*>(&fetcher_), static_cast<Unit*>(&address_crossbar_),
                     static_cast<Unit*>(&memory_), static_cast<Unit*>(&data_crossbar_), static_cast<Unit*>(&converter_),
                     static_cast<Unit*>(&key_sram_), static_cast<Unit*>(&qk_), static_cast<Unit*>(&softmax_),
                     static_cast<Unit*>(&requant_), static_cast<Unit*>(&reorder_), static_cast<Unit*>(&topk_),
                     static_cast<Unit*>(&value_sram_), static_cast<Unit*>(&prob_v_), static_cast<Unit*>(&token_importance_),
                     static_cast<Unit*>(&head_importance_), static_cast<Unit*>(&token_topk_)}) {
    engine_.add(*unit);
  }
  engine_.watch([this] {
    return fetcher_.stats().accesses + key_sram_.stats().lines_read + value_sram_.stats().lines_read + topk_.stats().kept +
           controller_.stats().rows + memory_.bytes_written();
  });
}

Cycles Accelerator::run(const std::function<bool()>& every) {
  return engine_.run([this] { return controller_.finished() && memory_.drained(); }, every);
}

std::vector<UnitResult> Accelerator::units() const {
  std::vector<UnitResult> results;
  for (const Unit* unit :
       {static_cast<const Unit*>(&controller_), static_cast<const Unit*>(&fetcher_), static_cast<const Unit*>(&address_crossbar_),
        static_cast<const Unit*>(&memory_), static_cast<const Unit*>(&data_crossbar_), static_cast<const Unit*>(&converter_),
        static_cast<const Unit*>(&key_sram_), static_cast<const Unit*>(&qk_), static_cast<const Unit*>(&softmax_),
        static_cast<const Unit*>(&requant_), static_cast<const Unit*>(&reorder_), static_cast<const Unit*>(&topk_),
        static_cast<const Unit*>(&value_sram_), static_cast<const Unit*>(&prob_v_), static_cast<const Unit*>(&token_importance_),
        static_cast<const Unit*>(&head_importance_), static_cast<const Unit*>(&token_topk_)}) {
    results.push_back({unit->name(), unit->activity(), unit->counters()});
    if (unit == &topk_) results.push_back({"zero_eliminator", unit->activity(), {{"elements", topk_.packed_elements()}}});
  }
  return results;
}

StreamBytes Accelerator::bytes() const {
  const auto& read = fetcher_.stats().bytes;
  return {read[0], read[1], read[2], read[3], memory_.bytes_written(), read[4]};
}

}  // namespace spatten::sim
