// y[m, n] = alpha * sum_k x[m, k] * w[n, k] (+ bias[n]) (+ residual[m, n])          (NT: a linear layer)
// x: [M, K], w: [N, K], y: [M, N]; K and N multiples of 4. One invocation computes a 4 x 4 tile; lanes run along N, so
// the four rows of x are uniform over the workgroup. A row's result depends on that row alone.
// Constants: K, N, LANES, HAS_BIAS, HAS_RESIDUAL.
struct Params { rows: u32, alpha: f32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

const K4 = K / 4u;
const N4 = N / 4u;

fn store(row: u32, n4: u32, value: vec4f) {
  if (row >= params.rows) { return; }
  var out = value * params.alpha;
  if (HAS_BIAS == 1u) { out += bias[n4]; }
  if (HAS_RESIDUAL == 1u) { out += residual[row * N4 + n4]; }
  y[row * N4 + n4] = out;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = (group.y + group.z * 32768u) * 4u;
  let n4 = group.x * LANES + lane.x;
  if (n4 >= N4 || row >= params.rows) { return; }
  let last = params.rows - 1u;
  let x0 = row * K4;
  let x1 = min(row + 1u, last) * K4;
  let x2 = min(row + 2u, last) * K4;
  let x3 = min(row + 3u, last) * K4;
  let w0 = n4 * 4u * K4;
  var c0 = vec4f();
  var c1 = vec4f();
  var c2 = vec4f();
  var c3 = vec4f();
  for (var k = 0u; k < K4; k++) {
    let b0 = w[w0 + k];
    let b1 = w[w0 + K4 + k];
    let b2 = w[w0 + 2u * K4 + k];
    let b3 = w[w0 + 3u * K4 + k];
    var a = x[x0 + k];
    c0 += vec4f(dot(a, b0), dot(a, b1), dot(a, b2), dot(a, b3));
    a = x[x1 + k];
    c1 += vec4f(dot(a, b0), dot(a, b1), dot(a, b2), dot(a, b3));
    a = x[x2 + k];
    c2 += vec4f(dot(a, b0), dot(a, b1), dot(a, b2), dot(a, b3));
    a = x[x3 + k];
    c3 += vec4f(dot(a, b0), dot(a, b1), dot(a, b2), dot(a, b3));
  }
  store(row, n4, c0);
  store(row + 1u, n4, c1);
  store(row + 2u, n4, c2);
  store(row + 3u, n4, c3);
}
