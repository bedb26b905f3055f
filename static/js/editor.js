// The SQL editor of the database wizard: CodeMirror over a textarea, which stays what is sent.
// Without it the textarea itself is the editor; nothing else on the page needs this file.
"use strict";

(() => {
  const editors = new WeakMap(); // textarea -> its EditorView
  const content = (area) => editors.get(area)?.state.doc.toString() ?? area.value;

  const put = (area, text) => {
    const view = editors.get(area);
    if (!view) {
      area.value = text;
      area.dispatchEvent(new Event("input"));
      return;
    }
    // An event of its own in the history: one Ctrl+Z brings back what stood there.
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, userEvent: "input.draft" });
    view.focus();
  };

  // --- What was typed and not sent yet outlives a lost session or a closed laptop, in this tab only ------------
  const key = (area) => `portal.unsent:${area.form.action}`;
  const keep = (area) => { try { sessionStorage.setItem(key(area), content(area)); } catch { /* nothing is kept */ } };
  const kept = (area) => { try { return sessionStorage.getItem(key(area)); } catch { return null; } };
  const offer = (area) => {
    const text = kept(area);
    if (text === null || text.trim() === area.value.trim()) return;
    const note = area.form.querySelector("[data-unsent]");
    if (!note) return;
    note.hidden = false;
    note.querySelector("button").addEventListener("click", () => {
      put(area, text);
      note.hidden = true;
    });
  };

  // --- CodeMirror, in a shadow root: there its styles are adopted, which the content security policy allows -----
  const looks = ({ EditorView }) => EditorView.theme({
    "&": { color: "var(--ink)", backgroundColor: "var(--paper)", fontSize: ".875rem", maxHeight: "60vh", minHeight: "14rem" },
    "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "2px" },
    ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", minHeight: "14rem" },
    ".cm-content": { caretColor: "var(--ink)" },
    ".cm-content, .cm-gutter": { minHeight: "14rem" },
    ".cm-gutters": { color: "var(--ink-faint)", backgroundColor: "var(--sunken)", borderRight: "1px solid var(--line)" },
    ".cm-problems": { width: "1.25rem" },
    ".cm-problem": { color: "var(--bad)", fontWeight: "700", textAlign: "center" },
    ".tok-keyword": { color: "var(--busy)", fontWeight: "600" },
    ".tok-string, .tok-string2": { color: "var(--good)" },
    ".tok-number, .tok-bool, .tok-atom": { color: "var(--warn)" },
    ".tok-typeName": { color: "var(--busy)" },
    ".tok-comment": { color: "var(--ink-faint)", fontStyle: "italic" },
  });

  // Marks at the lines that were refused; they stay with their line while it is edited.
  const problems = ({ EditorView, GutterMarker, RangeSet, StateField, gutter }, lines) => {
    class Problem extends GutterMarker {
      toDOM() {
        const mark = document.createElement("span");
        mark.className = "cm-problem";
        mark.textContent = "✕";
        mark.title = "This line cannot be run; the reason is above the editor.";
        return mark;
      }
    }
    const mark = new Problem();
    const found = StateField.define({
      create: ({ doc }) => RangeSet.of(lines.filter((line) => line <= doc.lines).map((line) => mark.range(doc.line(line).from)), true),
      update: (marks, change) => marks.map(change.changes),
    });
    return [found, gutter({ class: "cm-problems", markers: (view) => view.state.field(found) })];
  };

  // Chromium gives what is typed over a selection the style of what stood there, in an attribute that the policy
  // forbids and complains about. So this one kind of input never reaches the browser's own editing.
  const overSelection = (event, view) => {
    if (event.inputType !== "insertText" || event.data === null || view.composing || view.state.readOnly) return false;
    const { from, to } = selected(view);
    if (from === to) return false;
    view.dispatch({
      changes: { from, to, insert: event.data },
      selection: { anchor: from + view.state.toText(event.data).length },
      userEvent: "input.type",
      scrollIntoView: true,
    });
    return true;
  };

  // CodeMirror learns of a new selection slightly late, so ask the browser, if it can tell.
  const selected = (view) => {
    const { anchorNode, anchorOffset, focusNode, focusOffset } = view.root.getSelection?.() ?? document.getSelection();
    if (!view.contentDOM.contains(anchorNode) || !view.contentDOM.contains(focusNode)) return view.state.selection.main;
    const ends = [view.posAtDOM(anchorNode, anchorOffset), view.posAtDOM(focusNode, focusOffset)];
    return { from: Math.min(...ends), to: Math.max(...ends) };
  };

  const enhance = (area, Parts) => {
    const { EditorState, EditorView, PostgreSQL, classHighlighter, defaultKeymap, history, historyKeymap, keymap, lineNumbers, syntaxHighlighting } = Parts;
    const label = area.labels[0];
    const lines = (area.dataset.problems || "").split(",").filter(Boolean).map(Number);
    const place = document.createElement("div");
    place.className = "editor";
    area.before(place);
    const view = new EditorView({
      root: place.attachShadow({ mode: "open" }),
      parent: place.shadowRoot,
      doc: area.value,
      extensions: [
        lines.length ? problems(Parts, lines) : [],
        lineNumbers(),
        history(),
        PostgreSQL.language,
        syntaxHighlighting(classHighlighter),
        keymap.of([...historyKeymap, ...defaultKeymap]), // Tab leaves the editor, as it leaves a textarea
        EditorView.lineWrapping,
        EditorState.readOnly.of(area.readOnly),
        EditorView.contentAttributes.of({ "aria-label": label?.textContent.trim() ?? "SQL", tabindex: "0", spellcheck: "false", autocapitalize: "off" }),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          area.value = content(area);
          keep(area);
        }),
        EditorView.domEventHandlers({ beforeinput: overSelection }),
        looks(Parts),
      ],
    });
    editors.set(area, view);
    label?.addEventListener("click", (event) => { event.preventDefault(); view.focus(); });
    area.hidden = true;
    area.required = false; // a hidden field cannot be pointed at; the server says the same in words
  };

  let loading = null; // once for the page
  const load = (address) => loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", () => resolve(globalThis.CodeMirror));
    script.addEventListener("error", reject);
    document.head.append(script);
  });

  const look = async () => {
    for (const area of document.querySelectorAll("textarea[data-editor]:not([data-seen])")) {
      area.dataset.seen = "yes";
      area.addEventListener("input", () => keep(area));
      offer(area);
      try {
        enhance(area, await load(area.dataset.editor));
      } catch { /* it stays a textarea */ }
    }
  };
  document.addEventListener("DOMContentLoaded", look);
  document.addEventListener("htmx:afterSettle", look);

  // --- The draft is taken over only by a click, and never over somebody's text without a question ----------------
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-take-over]");
    if (!button) return;
    const area = document.getElementById(button.dataset.into);
    const draft = document.getElementById(button.dataset.takeOver);
    if (!area || !draft) return;
    event.preventDefault();
    const there = content(area).trim();
    if (there && there !== draft.value.trim() && !confirm("Replace the SQL in the editor with the draft?")) return;
    put(area, draft.value);
    area.form.scrollIntoView({ block: "start" });
  });
})();
