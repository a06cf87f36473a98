// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "spatten/app/pruning_page.h"
#include "spatten/app/quantities.h"

namespace spatten::app {
namespace {

constexpr double kWidth = 720, kHeight = 360, kLeft = 70, kRight = 20, kTop = 20, kBottom = 50;

/// A logarithmic axis between two powers of ten.
struct LogAxis {
  int low = 0, high = 1;            // exponents
  double pixel_low = 0, pixel_high = 1;

  double at(double value) const {
    const double t = (std::log10(value) - low) / (high - low);
    return pixel_low + (pixel_high - pixel_low) * t;
  }
};

LogAxis axis(double least, double most, double pixel_low, double pixel_high) {
  const int low = static_cast<int>(std::floor(std::log10(least))), high = static_cast<int>(std::ceil(std::log10(most)));
  return {low, std::max(high, low + 1), pixel_low, pixel_high};
}

std::string line(const char* style, double x1, double y1, double x2, double y2) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>", style, x1, y1, x2, y2);
}

std::string label(double x, double y, const char* anchor, const std::string& text, const char* style = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>", x, y, anchor, style, escape_html(text));
}

std::string grid(const LogAxis& x, const LogAxis& y) {
  std::string out;
  for (int e = x.low; e <= x.high; ++e) {
    const double at = x.at(std::pow(10.0, e));
    out += line("grid", at, y.pixel_low, at, y.pixel_high) + label(at, y.pixel_low + 18, "middle", fmt::format("{:g}", std::pow(10.0, e)));
  }
  for (int e = y.low; e <= y.high; ++e) {
    const double at = y.at(std::pow(10.0, e));
    out += line("grid", x.pixel_low, at, x.pixel_high, at) + label(x.pixel_low - 6, at + 4, "end", fmt::format("{:g}", std::pow(10.0, e - 12)));
  }
  out += label((x.pixel_low + x.pixel_high) / 2, kHeight - 8, "middle", "executed operations per byte of DRAM");
  const double middle = (y.pixel_low + y.pixel_high) / 2;
  out += fmt::format("<text x=\"16\" y=\"{0:.1f}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {0:.1f})\">TFLOPS executed</text>", middle);
  return out;
}

}  // namespace

std::string bar_chart(const std::vector<BarRow>& rows, double full) {
  const auto length = [](const BarRow& r) {
    double sum = 0;
    for (const BarPart& p : r.parts) sum += p.value;
    return sum;
  };
  if (full <= 0) {
    for (const BarRow& r : rows) full = std::max(full, length(r));
  }
  std::string out = "<div class=\"bars\">";
  for (const BarRow& r : rows) {
    out += fmt::format("<div class=\"name\">{}</div><div class=\"stack\">", escape_html(r.name));
    for (const BarPart& p : r.parts) {
      if (p.value <= 0 || full <= 0) continue;
      out += fmt::format("<i style=\"width:{:.3f}%;background:var(--{})\" title=\"{}\"></i>", 100 * p.value / full, p.colour, escape_html(p.words));
    }
    out += fmt::format("</div><div class=\"end\">{}</div>\n", escape_html(r.end));
  }
  return out + "</div>\n";
}

std::string heat_map(const std::string& corner, const std::vector<std::string>& columns, const std::vector<HeatRow>& rows) {
  std::string out = fmt::format("<div class=\"wide\"><table class=\"heat\"><thead><tr><th>{}</th>", escape_html(corner));
  for (const std::string& c : columns) out += fmt::format("<th>{}</th>", escape_html(c));
  out += "<th></th></tr></thead><tbody>\n";
  for (const HeatRow& r : rows) {
    out += fmt::format("<tr><td>{}</td>", escape_html(r.name));
    for (const HeatCell& c : r.cells) {
      const std::string shown = fmt::format("{:.0f}", 100 * c.share);
      const std::string fill = shown == "0" ? "" : fmt::format(" style=\"background:color-mix(in srgb,var(--{}) {}%,transparent)\"", c.colour, shown);
      out += fmt::format("<td{} title=\"{}\">{}</td>", fill, escape_html(c.words), shown);
    }
    out += fmt::format("<td>{}</td></tr>\n", escape_html(r.end));
  }
  return out + "</tbody></table></div>\n";
}

std::string colour_key(const std::vector<std::pair<std::string, std::string>>& colours) {
  std::string out = "<div class=\"key\">";
  for (const auto& [colour, words] : colours) {
    out += fmt::format("<span><i style=\"background:var(--{})\"></i>{}</span>", colour, escape_html(words));
  }
  return out + "</div>\n";
}

std::string roofline_svg(const Roofline& r) {
  const double ridge = r.peak_ops_per_second / r.peak_bytes_per_second;
  const bool has_point = r.operations_per_byte > 0 && r.ops_per_second > 0;
  const double x_point = has_point ? r.operations_per_byte : ridge, y_point = has_point ? r.ops_per_second : r.peak_ops_per_second;
  const LogAxis x = axis(std::min(x_point, ridge) / 3, std::max(x_point, ridge) * 3, kLeft, kWidth - kRight);
  const double x_least = std::pow(10.0, x.low), x_most = std::pow(10.0, x.high);
  const LogAxis y = axis(std::min({y_point / 2, x_least * r.peak_bytes_per_second}), r.peak_ops_per_second * 1.2, kHeight - kBottom, kTop);
  std::string out = fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"roofline\">", kWidth, kHeight) + grid(x, y);
  out += fmt::format("<polyline class=\"roof\" points=\"{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}\"/>", x.at(x_least),
                     y.at(x_least * r.peak_bytes_per_second), x.at(ridge), y.at(r.peak_ops_per_second), x.at(x_most), y.at(r.peak_ops_per_second));
  out += label(x.at(x_most) - 6, y.at(r.peak_ops_per_second) - 7, "end", fmt::format("multipliers: {:.2f} TFLOPS", r.peak_ops_per_second / 1e12));
  out += label(x.at(ridge) + 8, y.at(r.peak_ops_per_second) + 18, "start", fmt::format("DRAM: {:.0f} GB/s, ridge at {:.1f}", r.peak_bytes_per_second / 1e9, ridge));
  if (has_point) {
    const double roof = std::min(r.peak_ops_per_second, x_point * r.peak_bytes_per_second);
    const double px = x.at(x_point), py = y.at(y_point);
    out += line("drop", px, y.at(roof), px, y.pixel_low) + fmt::format("<circle class=\"point\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"7\"/>", px, py);
    const bool right = px < kWidth * 0.6;
    out += label(px + (right ? 12 : -12), py + 16, right ? "start" : "end",
                 fmt::format("{:.2f} ops/B, {:.3f} TFLOPS, {:.0f} % of the roof", x_point, y_point / 1e12, 100 * y_point / roof), "strong");
  }
  return out + "</svg>\n";
}

}  // namespace spatten::app
