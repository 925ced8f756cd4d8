/** Content of messages that is no text: images, resources and links to them. */

import type { JsonObject } from "../../../typescript/src/generated.ts";
import { Output, plain, visible } from "../visible.tsx";

/** Pictures that hold no program. */
const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

export function Blocks({ blocks }: { blocks: JsonObject[] }) {
  return (
    <>
      {blocks.map((block) => (
        <Block block={block} />
      ))}
    </>
  );
}

function Block({ block }: { block: JsonObject }) {
  const { type, mimeType, data, uri, name, resource, text } = block ?? {};
  if (typeof text === "string") {
    return <Output text={text} label="output" />;
  }
  if (type === "image" && IMAGES.has(mimeType) && /^[A-Za-z0-9+/=]+$/.test(data)) {
    return <img src={`data:${mimeType};base64,${data}`} alt={plain(uri ?? "an image")} />;
  }
  if (typeof resource?.text === "string") {
    return (
      <details class="resource">
        <summary>{visible(resource.uri)}</summary>
        <Output text={resource.text} label={plain(resource.uri)} />
      </details>
    );
  }
  const what = [type, name, uri ?? resource?.uri, mimeType ?? resource?.mimeType].filter(Boolean).join(" · ");
  return <p class="resource">{visible(what)}</p>;
}
