;;; emacs_story.el --- The editors' story in a batch Emacs  -*- lexical-binding: t; -*-

;; Run by test_emacs_story.py, which says in $STORY what is asked and answered, with what client (`stock': eglot alone,
;; `package': copydesk.el too, `lsp-mode': the package in lsp-mode) and which scenes.  Prints one JSON object a line: what was seen.

(require 'cl-lib)
(require 'eglot)
(setq inhibit-message t eglot-sync-connect 10)
(defvar story (json-parse-string (getenv "STORY") :object-type 'plist :array-type 'list :false-object :json-false))
(defun of (key) (plist-get story key))
(defvar with-lsp-mode (equal (of :client) "lsp-mode"))
(defvar with-package (not (equal (of :client) "stock")))
(setq eglot-server-programs `((python-mode . (,@(of :command) :initializationOptions ,(of :settings)))))
(when with-package (require 'copydesk))
(when with-lsp-mode
  (setq lsp-session-file (expand-file-name "~/lsp-session") lsp-auto-guess-root t lsp-enable-file-watchers nil
        lsp-lens-enable nil lsp-enable-snippet nil lsp-modeline-code-actions-enable nil
        lsp-headerline-breadcrumb-enable nil lsp-modeline-diagnostics-enable nil
        lsp-modeline-workspace-status-enable nil lsp-completion-enable nil)
  (require 'lsp-mode)
  (require 'lsp-diagnostics)
  (require 'lsp-modeline)
  (require 'copydesk-lsp-mode)
  (setq copydesk-lsp-command (of :command) copydesk-lsp-settings (of :settings))
  (lsp-register-client (make-lsp-client :new-connection (lsp-stdio-connection (list (car (of :command)) "-m" "ruff" "server"))
                                        :major-modes '(python-mode) :server-id 'ruff :priority 1)))

;;; What is seen

(defun tell (what value)
  (princ (concat (decode-coding-string (json-serialize (list :what what :value value)) 'utf-8) "\n")))
(defun text-of (name) (with-current-buffer name (substring-no-properties (buffer-string))))
(defvar seen-messages nil)
(defvar seen-ended 0)
(defvar seen-progress nil)
(defvar seen-longest 0 "The longest that a command made Emacs wait, in seconds.")

(advice-add 'message :before
            (lambda (format &rest arguments)
              (when format (push (apply #'format-message format arguments) seen-messages))))
(when with-lsp-mode
  (advice-add 'lsp-on-progress-modeline :after
              (lambda (_workspace params)
                (let ((value (gethash "value" params)))
                  (push (format "%s %s" (gethash "title" value) (gethash "message" value)) seen-progress)
                  (when (equal (gethash "kind" value) "end") (cl-incf seen-ended))))))
(cl-defmethod eglot-handle-notification :after (_server (_method (eql $/progress)) &key value &allow-other-keys)
  (push (format "%s %s %s" (format-mode-line (with-current-buffer "a.py" (eglot--mode-line-format)))
                (plist-get value :title) (plist-get value :message))
        seen-progress)
  (when (equal (plist-get value :kind) "end") (cl-incf seen-ended)))

;;; What a person does

(defvar answer nil "How what is chosen next begins.")
(defvar answers `((,(of :denied) . "Deny") (,(of :allowed) . "Allow once")) "How it begins where the question says so.")
(advice-add 'completing-read :override
            (lambda (prompt choices &rest _)
              (let ((answer (or (cdr (seq-find (lambda (each) (string-search (car each) prompt)) answers)) answer))
                    (names (mapcar (lambda (each) (if (consp each) (car each) each)) choices)))
                (or (seq-find (lambda (name) (string-prefix-p answer name)) names)
                    (error "%S has no %S: %S" prompt answer names)))))

;; Batch mode has no idle timers, by which eglot sends what has changed.
(defun until (what ready &optional limit)
  (let ((end (+ (float-time) (or limit 15))))
    (while (not (funcall ready))
      (when (> (float-time) end)
        (tell "stuck" (format "%s; messages: %S; a.py: %S" what (seq-take seen-messages 5) (text-of "a.py")))
        (kill-emacs 1))
      (accept-process-output nil 0.05)
      (dolist (buffer (buffer-list))
        (with-current-buffer buffer
          (when (bound-and-true-p eglot--managed-mode) (eglot--signal-textDocument/didChange)))))))
(defun rest-for (seconds)
  (let ((end (+ (float-time) seconds))) (until "rest" (lambda () (> (float-time) end)) 60)))
(defun until-text (wanted)
  (until (format "the text %S" wanted) (lambda () (equal (text-of "a.py") wanted))))
(defun until-said (text)
  (until (format "message %S" text)
         (lambda () (seq-find (lambda (each) (string-search text each)) seen-messages))))

(defmacro timed (&rest body)
  `(let ((start (float-time))) (prog1 (progn ,@body) (setq seen-longest (max seen-longest (- (float-time) start))))))
(defun at-line (number)
  (set-buffer "a.py")
  (goto-char (point-min))
  (forward-line (1- number)))
(defun choose (title)
  "The code action here whose title begins with TITLE, by eglot's own menu."
  (let ((answer title) (last-nonmenu-event t)) (timed (call-interactively #'eglot-code-actions))))
(defun run (command &rest argument)
  "COMMAND as the README has it for eglot without the package."
  (timed (eglot-execute (eglot-current-server)
                        `(:command ,command ,@(and argument `(:arguments [,argument]))))))
(defun ask (text)
  (set-buffer "a.py")
  (if with-package (timed (copydesk-prompt text)) (run "copydesk.prompt" :text text)))

(defun ask-in-a-document (text)
  "TEXT by a prompt document, which is what there is without any Lisp of one's own."
  (set-buffer "a.py")
  (run "copydesk.prompt")
  (until "the prompt document" (lambda () (get-buffer "prompt-1.md")))
  (with-current-buffer "prompt-1.md"
    (goto-char (point-max))
    (insert text)
    (save-buffer))
  (at-line 1)
  (choose "Copydesk: Send prompt-1.md"))

(defun ended (count) (until (format "the end of turn %d" count) (lambda () (>= seen-ended count))))

;;; Scenes

(defun start-lsp-mode ()
  (find-file (expand-file-name "a.py"))
  (lsp-workspace-folders-add default-directory)
  (lsp)
  (until "the servers" (lambda () (and (bound-and-true-p copydesk-mode) (= (length (lsp-workspaces)) 2)
                                       (copydesk-alive-p (copydesk-connection)))))
  (tell "servers" (vconcat (sort (mapcar (lambda (each) (symbol-name (lsp--workspace-server-id each)))
                                         (lsp-workspaces))
                                 #'string<)))
  (rest-for 1)
  (at-line 1)
  (tell "titles" (vconcat (mapcar (lambda (each) (gethash "title" each)) (lsp-code-actions-at-point)))))

(defun start ()
  (find-file (expand-file-name "a.py"))
  (eglot-ensure)
  (run-hooks 'post-command-hook)
  (until "the server" (lambda () (and (eglot-current-server) (eglot-managed-p)))))

(defun play-offline ()
  (at-line 4)
  (search-forward "def ")
  (let (shown)
    (eglot-hover-eldoc-function (lambda (info &rest _) (setq shown info)))
    (until "the hover" (lambda () shown))
    (tell "hover" (substring-no-properties shown)))
  (at-line 1)
  (if with-package (timed (copydesk-fix)) (choose "Copydesk: Fix problems"))
  (ended 1)
  (rest-for 0.6)
  (at-line 1)
  (if with-package (timed (copydesk-accept-all)) (choose "Copydesk: Accept all"))
  (until-text (of :fixed)))

(defun drawn () (length (and with-package (with-current-buffer "a.py" (copydesk-review--overlays-here)))))

(defun play-review ()
  (if with-package (ask (of :edit)) (ask-in-a-document (of :edit)))
  (ended 1)
  (if with-package (until "two hunks drawn" (lambda () (= (drawn) 2))) (until-said "2 hunks in a.py"))
  (tell "lighter" (if with-package (copydesk--lighter) ""))
  (rest-for 0.6)
  (at-line 5)
  (if with-package (timed (copydesk-accept-hunk)) (choose "Copydesk: Accept hunk"))
  (until "one hunk accepted" (lambda () (string-search (of :hunk) (text-of "a.py"))))
  (rest-for 0.6)
  (tell "drawn" (drawn))
  (if with-package (timed (copydesk-accept-all)) (choose "Copydesk: Accept all"))
  (until-text (of :after_review))
  (tell "drawn" (progn (rest-for 0.5) (drawn))))

(defun play-typing ()
  (ask (of :type))
  (until "progress" (lambda () (seq-find (lambda (line) (string-search (of :type) line)) seen-progress)))
  (dolist (line (of :typed))
    (with-current-buffer "a.py"
      (goto-char (point-max))
      (insert line))
    (rest-for 0.25))
  (ended 2)
  (rest-for 0.6)
  (at-line 1)
  (if with-package (timed (copydesk-accept-all)) (choose "Copydesk: Accept all"))
  (until-text (of :after_typing))
  (set-buffer "a.py")
  (if with-package (timed (copydesk-undo)) (run "copydesk.undo"))
  (until-text (of :after_undo)))

(defun play-cancel ()
  (ask (of :long))
  (until "progress" (lambda () (seq-find (lambda (line) (string-search (of :long) line)) seen-progress)))
  (tell "lighter" (if with-package (copydesk--lighter) ""))
  (let ((start (float-time)))
    (set-buffer "a.py")
    (if with-package (timed (copydesk-cancel)) (run "copydesk.cancel"))
    (ended 3)
    (tell "cancelled" (- (float-time) start)))
  (until-text (of :after_undo)))

(defun play-question ()
  (setq answer (of :answer))
  (ask (of :question))
  (when with-package
    (until "the question" (lambda () copydesk--questions))
    (tell "lighter" (copydesk--lighter))
    (copydesk-answer))
  (until-said (of :last_words)))

(defun play-permission ()
  (ask (of :run))
  (when with-package
    (dotimes (_ 2)
      (until "a permission is asked for" (lambda () copydesk--questions))
      (copydesk-answer)))
  (until-said (of :ran)))

(if with-lsp-mode (start-lsp-mode) (start))
(if (equal (of :scenes) "offline") (play-offline)
  (play-review)
  (play-typing)
  (play-cancel)
  (play-question)
  (play-permission))
(tell "progress" (vconcat (seq-uniq (reverse seen-progress))))
(tell "messages" (vconcat (reverse seen-messages)))
(tell "longest" seen-longest)
(tell "modified" (if (buffer-modified-p (get-buffer "a.py")) t :false))
(when with-package (tell "turns" (text-of "*Copydesk*")))
(set-buffer "a.py")
(if with-lsp-mode
    (dolist (each (lsp-workspaces)) (with-lsp-workspace each (lsp--shutdown-workspace)))
  (eglot-shutdown (eglot-current-server)))
