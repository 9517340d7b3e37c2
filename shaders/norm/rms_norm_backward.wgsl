// dx[t, d] = rstd * (gain[d] * dy[t, d] - x[t, d] * rstd^2 / D * sum_e dy[t, e] * gain[e] * x[t, e])
// One workgroup per row. quads: D / 4. Constants: LANES. Parts: total (reduce/total_*).
// dy, x, dx: [T, D], gain: [D], rstd: [T].
// #include "flat"
struct Params { rows: u32, quads: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> gain: array<vec4f>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

// #part total

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = flat_workgroup(group, groups);
  if (row >= params.rows) { return; }
  let quads = params.quads;
  var sum = 0.0;
  for (var d = lane.x; d < quads; d += LANES) { sum += dot(dy[row * quads + d] * gain[d], x[row * quads + d]); }
  let total = total_of(sum, lane.x);
  let r = rstd[row];
  let mean = total * r * r / f32(quads * 4u);
  for (var d = lane.x; d < quads; d += LANES) {
    let at = row * quads + d;
    dx[at] = r * (gain[d] * dy[at] - x[at] * mean);
  }
}
