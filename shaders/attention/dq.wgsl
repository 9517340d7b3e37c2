// dq[t, h] = scale * sum_j p_j (do . v_j - delta) k_j,  p_j = exp(q . k_j * scale - lse)      (flash attention backward)
// It is tiled as attention.wgsl is. Constants: HD4 = head size / 4, KV, GROUP, QB, BK, LANES = QB * GROUP.
// do, dq: [T, KV * GROUP * HD], q likewise; k, v: [T, KV * HD]; lse_delta: [T, KV * GROUP, 2]; spans as in attention.
struct Params { scale: f32 }
@group(0) @binding(0) var<storage, read> grad_o: array<vec4f>;
@group(0) @binding(1) var<storage, read> q: array<vec4f>;
@group(0) @binding(2) var<storage, read> k: array<vec4f>;
@group(0) @binding(3) var<storage, read> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> lse_delta: array<vec2f>;
@group(0) @binding(5) var<storage, read> spans: array<vec2u>;
@group(0) @binding(6) var<storage, read_write> dq: array<vec4f>;
@group(0) @binding(7) var<uniform> params: Params;

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
  let row = min(query, live - 1u);
  let start = spans[1u + row].x;
  let at_row = row * HEADS + head;

  // #repeat d HD4
  let qr{d} = q[at_row * HD4 + {d}u] * params.scale;
  let gr{d} = grad_o[at_row * HD4 + {d}u];
  var acc{d} = vec4f();
  // #end
  let lse = lse_delta[at_row].x;
  let delta = lse_delta[at_row].y;
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
        var g4 = vec4f();
        // #repeat d HD4
        s4 += qr{d} * key_tile[j * HD4 + {d}u];
        g4 += gr{d} * value_tile[j * HD4 + {d}u];
        // #end
        let p = exp(s4.x + s4.y + s4.z + s4.w - lse);
        let ds = p * (g4.x + g4.y + g4.z + g4.w - delta);
        // #repeat d HD4
        acc{d} += ds * key_tile[j * HD4 + {d}u];
        // #end
      }
    }
  }
  if (query < live) {
    // #repeat d HD4
    dq[at_row * HD4 + {d}u] = acc{d} * params.scale;
    // #end
  }
}
