;;; A day in Emacs with eglot, in batch. Run by test_emacs.py; prints one JSON object a line.
(require 'eglot)
(setq inhibit-message t eglot-sync-connect 10 eglot-confirm-server-edits nil)
(defvar story-command (split-string (getenv "STORY_COMMAND") "\n"))
(defvar story-settings (json-parse-string (getenv "STORY_SETTINGS") :object-type 'plist :false-object :json-false))
(setq eglot-server-programs
      `((python-mode . (,@story-command :initializationOptions ,story-settings))))

(defun tell (what value)
  (princ (concat (decode-coding-string (json-serialize (list :what what :value value)) 'utf-8) "\n")))

(defun as-text (value) (substring-no-properties (or value "")))

;; The person's answers to dialogs: always the first choice.
(advice-add 'completing-read :override
            (lambda (prompt choices &rest _)
              (tell "asked" (as-text prompt))
              (let ((first (car choices))) (if (consp first) (car first) first))))

(cl-defmethod eglot-handle-notification :before (_server (_method (eql window/showMessage)) &key message &allow-other-keys)
  (tell "message" message))
(cl-defmethod eglot-handle-notification :before (_server (_method (eql $/progress)) &key value &allow-other-keys)
  (when (equal (plist-get value :kind) "end") (setq story-ended (1+ story-ended))))
(defvar story-ended 0)

;; Batch mode has no idle timers, by which eglot sends what has changed.
(defun wait-until (ready)
  (let ((end (+ (float-time) 15)))
    (while (and (not (funcall ready)) (< (float-time) end))
      (accept-process-output nil 0.2)
      (dolist (buffer (buffer-list))
        (with-current-buffer buffer
          (when (bound-and-true-p eglot--managed-mode) (eglot--signal-textDocument/didChange)))))))

(defun actions ()
  (let ((here (list :start (eglot--pos-to-lsp-position) :end (eglot--pos-to-lsp-position))))
    (append (jsonrpc-request (eglot-current-server) :textDocument/codeAction
                             (list :textDocument (eglot--TextDocumentIdentifier) :range here
                                   :context '(:diagnostics [])))
            nil)))

(defun choose (title)
  (let ((count story-ended)
        (action (seq-find (lambda (each) (string-prefix-p title (plist-get each :title))) (actions))))
    (eglot-execute (eglot-current-server) action)
    (wait-until (lambda () (> story-ended count)))))

(find-file (expand-file-name "a.py"))
(eglot-ensure)
(run-hooks 'post-command-hook)
(wait-until #'eglot-current-server)
(goto-char (point-min))
(search-forward "def ")
(tell "titles" (vconcat (mapcar (lambda (each) (plist-get each :title)) (actions))))
(tell "hover" (plist-get (plist-get (jsonrpc-request (eglot-current-server) :textDocument/hover
                                                     (eglot--TextDocumentPositionParams))
                                    :contents)
                         :value))
(choose "Copydesk: Document")
(tell "documented" (with-current-buffer "a.py" (as-text (buffer-string))))
(set-buffer "a.py")
(goto-char (point-min))
(insert "# copydesk: rename area to surface\n")
(goto-char (+ 4 (point-min)))
(eglot--signal-textDocument/didChange)
(choose "Copydesk: Do what")
(tell "renamed" (with-current-buffer "a.py" (as-text (buffer-string))))
(tell "other" (if (get-buffer "b.py") (with-current-buffer "b.py" (as-text (buffer-string))) ""))
(set-buffer "a.py")
(eglot-shutdown (eglot-current-server))
