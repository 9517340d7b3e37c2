// Philox 4x32-10 (Salmon 2011): four random words from a counter and a key. The same vectors as src/base/random.ts.
fn mul_wide(a: u32, b: u32) -> vec2u {
  let al = a & 0xffffu;
  let ah = a >> 16u;
  let bl = b & 0xffffu;
  let bh = b >> 16u;
  let low = al * bl;
  let mid1 = ah * bl + (low >> 16u);
  let mid2 = al * bh + (mid1 & 0xffffu);
  return vec2u((mid2 << 16u) | (low & 0xffffu), ah * bh + (mid1 >> 16u) + (mid2 >> 16u));
}

fn philox(start: vec4u, start_key: vec2u) -> vec4u {
  var c = start;
  var key = start_key;
  for (var round = 0u; round < 10u; round++) {
    let p0 = mul_wide(0xD2511F53u, c.x);
    let p1 = mul_wide(0xCD9E8D57u, c.z);
    c = vec4u(p1.y ^ c.y ^ key.x, p1.x, p0.y ^ c.w ^ key.y, p0.x);
    key += vec2u(0x9E3779B9u, 0xBB67AE85u);
  }
  return c;
}
