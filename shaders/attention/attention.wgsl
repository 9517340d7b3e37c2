// o[t, h] = sum_j softmax_j(q[t, h] . k[j, g] * scale) v[j, g] over keys j of the same segment with j <= t, g = h / GROUP
// lse[t, h] = log sum_j exp(q . k * scale)                       (flash attention, Dao 2022; packed sequences, GQA)
// q, o: [T, KV * GROUP * HD], k, v: [T, KV * HD]; spans[0].x = live tokens, spans[1 + t] = (start, end) of t's segment.
// A workgroup holds QB queries x GROUP heads; key and value tiles of BK rows pass through workgroup memory. The softmax is
// updated key by key in key order, so a row's bits do not depend on where tiles begin or on other rows.
// Constants: HD4 = head size / 4, KV, GROUP, QB, BK, LANES = QB * GROUP.
struct Params { scale: f32 }
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> spans: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

const HEADS = KV * GROUP;
var<workgroup> key_tile: array<vec4f, BK * HD4>;
var<workgroup> value_tile: array<vec4f, BK * HD4>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let first_query = group.x * QB;
  let live = spans[0].x;
  if (first_query >= live) { return; }
  let last_query = min(first_query + QB, live) - 1u;
  let first_key = spans[1u + first_query].x;
  let kv = group.y;
  let query = first_query + lane.x % QB;
  let head = kv * GROUP + lane.x / QB;
  let valid = query < live;
  let row = min(query, live - 1u);
  let start = spans[1u + row].x;

  // #repeat d HD4
  let qr{d} = q[(row * HEADS + head) * HD4 + {d}u] * params.scale;
  var acc{d} = vec4f();
  // #end
  var m = -1e30;
  var l = 0.0;
  for (var base = first_key; base <= last_query; base += BK) {
    workgroupBarrier();
    for (var i = lane.x; i < BK * HD4; i += LANES) {
      let key = base + i / HD4;
      if (key <= last_query) {
        let at = (key * KV + kv) * HD4 + i % HD4;
        key_tile[i] = k[at];
        value_tile[i] = v[at];
      }
    }
    workgroupBarrier();
    let count = min(BK, last_query + 1u - base);
    for (var j = 0u; j < count; j++) {
      let key = base + j;
      if (key >= start && key <= row) {
        var s4 = vec4f();
        // #repeat d HD4
        s4 += qr{d} * key_tile[j * HD4 + {d}u];
        // #end
        let s = s4.x + s4.y + s4.z + s4.w;
        let next = max(m, s);
        let keep = exp(m - next);
        let p = exp(s - next);
        l = l * keep + p;
        // #repeat d HD4
        acc{d} = acc{d} * keep + p * value_tile[j * HD4 + {d}u];
        // #end
        m = next;
      }
    }
  }
  if (valid) {
    // #repeat d HD4
    o[(row * HEADS + head) * HD4 + {d}u] = acc{d} / l;
    // #end
    lse[row * HEADS + head] = m + log(l);
  }
}
