// y[t, d] = gain[d] * x[t, d] * rstd[t],  rstd[t] = 1 / sqrt(mean_d x[t, d]^2 + eps)  (Zhang & Sennrich 2019)
// x, y: [T, D], gain: [D], rstd: [T]; D a multiple of 4. One workgroup per row. quads: D / 4. Constants: LANES.
// Parts: total (reduce/total_*).
// #include "flat"
struct Params { rows: u32, eps: f32, quads: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> gain: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// #part total

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = flat_workgroup(group, groups);
  if (row >= params.rows) { return; }
  let quads = params.quads;
  var sum = 0.0;
  for (var d = lane.x; d < quads; d += LANES) { let v = x[row * quads + d]; sum += dot(v, v); }
  let total = total_of(sum, lane.x);
  let r = 1.0 / sqrt(total / f32(quads * 4u) + params.eps);
  for (var d = lane.x; d < quads; d += LANES) { y[row * quads + d] = gain[d] * x[row * quads + d] * r; }
  if (lane.x == 0u) { rstd[row] = r; }
}
