// What a page can do beyond plain links and forms. Without any of it everything still works, page by page.
import "./clock.js";
import "./toasts.js";
import "./polling.js";
import "./page_state.js";
import "./dialog.js";
import "./deliberate_forms.js";
import "./shortcuts.js";
import "./logs.js";
