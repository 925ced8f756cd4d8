/**
 * A long list of which only what is near the window is in the page: its items are kept in blocks, and a block that is far
 * off is an empty box of the height that it had. It stays at its end while it grows, unless somebody has scrolled up.
 */

import { memo } from "preact/compat";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { VNode } from "preact";

const BLOCK = 40;
/** Pixels of an item that has not been seen yet, about. */
const GUESS = 60;
/** How far off a block may be and still be in the page: about a screen, so that scrolling meets nothing empty. */
const MARGIN = "1000px";
/** Pixels from the end that still count as the end. */
const NEAR_END = 48;

/** Keys that lead away from the end. */
const UPWARDS = new Set(["ArrowUp", "PageUp", "Home", "Tab"]);

interface BlockProps<T> {
  items: T[];
  draw(item: T): VNode;
  root: HTMLElement;
  /** The newest block is there from the start: the list begins at its end. */
  shown: boolean;
}

function isSame<T>(a: BlockProps<T>, b: BlockProps<T>): boolean {
  return (
    a.root === b.root && a.draw === b.draw && a.items.length === b.items.length && a.items.every((item, at) => item === b.items[at])
  );
}

const Block = memo(function Block<T>({ items, draw, root, shown }: BlockProps<T>) {
  const box = useRef<HTMLDivElement>(null);
  const height = useRef(items.length * GUESS);
  const [near, setNear] = useState(shown);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => {
        const entry = entries.at(-1)!;
        if (!entry.isIntersecting && entry.boundingClientRect.height > 0) {
          height.current = entry.boundingClientRect.height;
        }
        setNear(entry.isIntersecting);
      },
      { root, rootMargin: `${MARGIN} 0px` },
    );
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, [root]);
  return (
    <div ref={box} class="block" style={near ? undefined : { height: `${height.current}px` }}>
      {near && items.map(draw)}
    </div>
  );
}, isSame as any) as unknown as <T>(props: BlockProps<T> & { key: number }) => VNode;

interface Props<T> {
  items: T[];
  draw(item: T): VNode;
  label: string;
  children?: VNode | undefined;
}

export function Windowed<T>({ items, draw, label, children }: Props<T>) {
  const [root, setRoot] = useState<HTMLElement | null>(null);
  const inner = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  // Whether it is a person who scrolls: what comes and what goes out of the page move the end, too.
  const leaves = useRef(false);
  const [away, setAway] = useState(false);
  const toEnd = useCallback(() => {
    if (root !== null) {
      root.scrollTop = root.scrollHeight;
    }
  }, [root]);
  useLayoutEffect(() => {
    if (root === null) {
      return;
    }
    const observer = new ResizeObserver(() => {
      if (follows.current) {
        toEnd();
      }
    });
    observer.observe(inner.current!);
    observer.observe(root);
    const onScroll = (): void => {
      if (root.scrollHeight - root.scrollTop - root.clientHeight < NEAR_END) {
        follows.current = true;
      } else if (leaves.current) {
        follows.current = false;
      }
      leaves.current = false;
      setAway(!follows.current);
    };
    root.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      root.removeEventListener("scroll", onScroll);
    };
  }, [root, toEnd]);
  const blocks: T[][] = [];
  for (let at = 0; at < items.length; at += BLOCK) {
    blocks.push(items.slice(at, at + BLOCK));
  }
  const leave = (isMeant: boolean): void => {
    leaves.current ||= isMeant;
  };
  return (
    <div
      class={`scroller ${away ? "" : "at-end"}`}
      ref={setRoot}
      tabIndex={0}
      role="log"
      aria-label={label}
      onWheel={({ deltaY }) => leave(deltaY < 0)}
      onTouchMove={() => leave(true)}
      onKeyDown={({ key }) => leave(UPWARDS.has(key))}
      onPointerDown={({ target }) => leave(target === root)}
      onClick={({ target }) => {
        // What somebody opens stays where it is.
        if ((target as Element).closest("summary") !== null) {
          follows.current = false;
        }
      }}
    >
      <div class="column" ref={inner}>
        {children}
        {root !== null &&
          blocks.map((block, at) => (
            <Block key={at} items={block} draw={draw} root={root} shown={at === blocks.length - 1} />
          ))}
      </div>
      {away && (
        <button
          type="button"
          class="to-end"
          onClick={() => {
            follows.current = true;
            toEnd();
          }}
        >
          ↓ Latest
        </button>
      )}
    </div>
  );
}
