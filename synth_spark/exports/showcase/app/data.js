const ARRAYS = { Uint8: Uint8Array, Uint16: Uint16Array, Uint32: Uint32Array };

/** The bytes that a text of base 64 stands for. */
function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = characters.charCodeAt(at);
  return bytes;
}

/** The release inside the page: what describes it, and its arrays by name. */
async function readRelease() {
  const holder = document.getElementById("data");
  const packed = new Blob([bytesOf(holder.textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
  holder.remove();
  const buffer = await new Response(packed).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const described = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  let at = 4 + length;
  for (const { name, type, size } of described.arrays) {
    at += (4 - (at % 4)) % 4;
    arrays[name] = new ARRAYS[type](buffer, at, size);
    at += arrays[name].byteLength;
  }
  return { ...described, arrays };
}
