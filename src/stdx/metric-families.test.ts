import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, exposition, Gauge, Histogram, labelText, observed } from "./metric-families.ts";

test("families are written as Prometheus reads them", () => {
  const counter = new Counter({ name: "c_total", help: "Counted.", seriesMax: 2 });
  for (const name of ["a", "a", 'b"\\\n', "too many"]) counter.add(labelText({ name }));
  const gauge = new Gauge({ name: "g", help: "Now." });
  gauge.add("", 2);
  gauge.add("", -1);
  const histogram = new Histogram({ name: "h_seconds", help: "Took.", limits: [0.1, 1] });
  for (const value of [0.1, 0.5, 7]) histogram.observe('verb="GET"', value);
  assert.equal(exposition([counter, gauge, histogram, observed("gauge", { name: "o", help: "Seen." }, () => ({ 'x="1"': 3 }))]), `# HELP c_total Counted.
# TYPE c_total counter
c_total{name="a"} 2
c_total{name="b\\"\\\\\\n"} 1
# HELP g Now.
# TYPE g gauge
g 1
# HELP h_seconds Took.
# TYPE h_seconds histogram
h_seconds_bucket{verb="GET",le="0.1"} 1
h_seconds_bucket{verb="GET",le="1"} 2
h_seconds_bucket{verb="GET",le="+Inf"} 3
h_seconds_sum{verb="GET"} 7.6
h_seconds_count{verb="GET"} 3
# HELP o Seen.
# TYPE o gauge
o{x="1"} 3
`);
});
