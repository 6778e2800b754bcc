;;; Review in Emacs with eglot, in batch. Run by test_emacs_review.py; prints one JSON object a line.
(require 'eglot)
(require 'flymake)
(setq inhibit-message t eglot-sync-connect 10 eglot-confirm-server-edits nil)
(defvar story-command (split-string (getenv "STORY_COMMAND") "\n"))
(defvar story-settings (json-parse-string (getenv "STORY_SETTINGS") :object-type 'plist :false-object :json-false))
(setq eglot-server-programs
      `((python-mode . (,@story-command :initializationOptions ,story-settings))))

(defun tell (what value)
  (princ (concat (decode-coding-string (json-serialize (list :what what :value value)) 'utf-8) "\n")))

(defun as-text (value) (substring-no-properties (or value "")))

(defvar story-ended 0)
(defvar story-hints (make-hash-table :test #'equal))
(cl-defmethod eglot-handle-notification :before (_server (_method (eql window/showMessage)) &key message &allow-other-keys)
  (tell "message" message))
(cl-defmethod eglot-handle-notification :before (_server (_method (eql $/progress)) &key value &allow-other-keys)
  (when (equal (plist-get value :kind) "end") (setq story-ended (1+ story-ended))))
(cl-defmethod eglot-handle-notification :before
  (_server (_method (eql textDocument/publishDiagnostics)) &key uri diagnostics &allow-other-keys)
  (puthash (file-name-nondirectory uri) (length diagnostics) story-hints))

;; Batch mode has no idle timers, by which eglot sends what has changed.
(defun wait-until (ready)
  (let ((end (+ (float-time) 15)))
    (while (and (not (funcall ready)) (< (float-time) end))
      (accept-process-output nil 0.05)
      (dolist (buffer (buffer-list))
        (with-current-buffer buffer
          (when (bound-and-true-p eglot--managed-mode) (eglot--signal-textDocument/didChange)))))))

(defun wait-hints (count) (wait-until (lambda () (eql (gethash "a.py" story-hints) count))))

(defun actions ()
  (let ((here (list :start (eglot--pos-to-lsp-position) :end (eglot--pos-to-lsp-position))))
    (append (jsonrpc-request (eglot-current-server) :textDocument/codeAction
                             (list :textDocument (eglot--TextDocumentIdentifier) :range here
                                   :context '(:diagnostics [])))
            nil)))

;; A person's choice; Emacs stands still until the command is answered.
(defun choose (line title)
  (set-buffer "a.py")
  (goto-char (point-min))
  (forward-line (1- line))
  (let ((action (seq-find (lambda (each) (equal title (plist-get each :title))) (actions)))
        (start (float-time)))
    (if (not action)
        (tell "missing" (vconcat (mapcar (lambda (each) (plist-get each :title)) (actions))))
      (eglot-execute (eglot-current-server) action)
      (tell "frozen" (- (float-time) start)))))

(find-file (expand-file-name "a.py"))
(eglot-ensure)
(run-hooks 'post-command-hook)
(wait-until #'eglot-current-server)
(jsonrpc-request (eglot-current-server) :workspace/executeCommand
                 '(:command "copydesk.prompt" :arguments [(:text "go")]))
(wait-until (lambda () (> story-ended 0)))
(wait-hints 2)
(tell "hints" (gethash "a.py" story-hints))
(set-buffer "a.py")
(goto-char (point-min))
(insert "# typed\n")
(eglot--signal-textDocument/didChange)
(wait-until (let ((end (+ (float-time) 0.6))) (lambda () (> (float-time) end))))
(choose 4 "Copydesk: Accept hunk")
(wait-hints 1)
(tell "accepted" (with-current-buffer "a.py" (as-text (buffer-string))))
(choose 12 "Copydesk: Accept line: new_2 = 2")
(wait-until (lambda () (with-current-buffer "a.py" (string-search "new_2" (buffer-string)))))
(wait-until (let ((end (+ (float-time) 0.6))) (lambda () (> (float-time) end))))
(choose 12 "Copydesk: Reject hunk")
(wait-hints 0)
(tell "left" (gethash "a.py" story-hints))
(choose 1 "Copydesk: Accept all")
(wait-until (lambda () (and (get-buffer "b.py") (with-current-buffer "b.py" (string-search "line_5 = 0" (buffer-string))))))
(tell "text" (with-current-buffer "a.py" (as-text (buffer-string))))
(tell "other" (if (get-buffer "b.py") (with-current-buffer "b.py" (as-text (buffer-string))) ""))
(tell "buffers" (vconcat (delq nil (mapcar #'buffer-file-name (buffer-list)))))
(set-buffer "a.py")
(eglot-shutdown (eglot-current-server))
