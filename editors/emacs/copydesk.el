;;; copydesk.el --- Comfort for the Copydesk language server  -*- lexical-binding: t; -*-

;; Copyright (C) 2026 The Copydesk authors

;; Author: The Copydesk authors
;; Version: 0.1.0
;; Package-Requires: ((emacs "30.1"))
;; Keywords: convenience, languages, tools
;; URL: https://github.com/copydesk/copydesk
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Copydesk is a coding agent behind the Language Server Protocol.  It works in Eglot without this package, by code
;; actions.  The package adds what Eglot has no place for: commands that ask in the minibuffer and never make Emacs
;; wait, a buffer that shows a turn as it happens, review of edits in the text itself, questions, the mode line.
;;
;;     (with-eval-after-load 'eglot
;;       (add-to-list 'eglot-server-programs '(python-base-mode "copydesk" "serve"))
;;       (require 'copydesk))
;;
;; Nothing else has to be set up.  No key is bound; `copydesk-command-map' is there to be put on one:
;;
;;     (keymap-set copydesk-mode-map "C-c c" copydesk-command-map)
;;
;; This file owns the commands, the questions and the mode line.  `copydesk-connection' is what it knows of a client:
;; Eglot's is in copydesk-eglot.el, lsp-mode's in copydesk-lsp-mode.el.  Hunks are in copydesk-review.el, the view of
;; turns in copydesk-turns.el.  Start reading with `copydesk-execute' and `copydesk-handle-update'.

;;; Code:

(require 'cl-lib)
(require 'flymake)
(require 'subr-x)
(require 'copydesk-connection)
(require 'copydesk-eglot)
(require 'copydesk-turns)
(require 'copydesk-review)

(defgroup copydesk nil
  "A coding agent behind the Language Server Protocol."
  :group 'tools
  :prefix "copydesk-")

(defcustom copydesk-ask-idle-time 1.0
  "Seconds without a key before a question of the agent's takes the minibuffer.
What is being typed would answer it otherwise.  nil: never by
itself; `copydesk-answer' asks."
  :type '(choice number (const :tag "Only by `copydesk-answer'" nil)))

(defcustom copydesk-short-answer-lines 3
  "Answers with more lines than this are shown in the buffer of turns."
  :type 'natnum)

(defvar copydesk--texts nil "What was typed to the agent before.")

;;; Places

(defun copydesk--place ()
  "The URI and range of the region, else of point, as the turn argument has them."
  (when (copydesk-managed-p)
    (let ((beg (if (use-region-p) (region-beginning) (point)))
          (end (if (use-region-p) (region-end) (point))))
      (list :uri (copydesk-buffer-uri)
            :range (list :start (copydesk-position-at beg) :end (copydesk-position-at end))))))

(defun copydesk--problems ()
  "Problems at the region, else on the line of point, as LSP diagnostics."
  (let ((beg (if (use-region-p) (region-beginning) (line-beginning-position)))
        (end (if (use-region-p) (region-end) (line-end-position))))
    (cl-loop for problem in (flymake-diagnostics beg end)
             for text = (flymake-diagnostic-text problem)
             unless (string-search "copydesk [pending]" text)
             collect (list :range (list :start (copydesk-position-at (flymake-diagnostic-beg problem))
                                        :end (copydesk-position-at (flymake-diagnostic-end problem)))
                           :message text))))

;;; Turns

(defun copydesk--turn (verb &rest more)
  "Start a turn with the command named VERB at this place.
MORE is added to its argument, without what is nil."
  (let ((argument (copydesk--place)))
    (cl-loop for (key value) on more by #'cddr when value do (setq argument (plist-put argument key value)))
    (copydesk-execute verb argument)
    (deactivate-mark)))

(defun copydesk--read-text (prompt)
  "Read with PROMPT what to tell the agent; an error where it is blank."
  (let ((text (read-string prompt nil 'copydesk--texts)))
    (if (string-blank-p text) (user-error "Nothing was said") text)))

;;;###autoload
(defun copydesk-explain ()
  "Explain the region, or what point is in."
  (interactive)
  (copydesk--turn "explain"))

;;;###autoload
(defun copydesk-fix ()
  "Fix the problems in the region or on this line; without any, look for some."
  (interactive)
  (copydesk--turn "fix" :diagnostics (vconcat (copydesk--problems))))

;;;###autoload
(defun copydesk-document ()
  "Write documentation for the region, or for what point is in."
  (interactive)
  (copydesk--turn "document"))

;;;###autoload
(defun copydesk-test ()
  "Write test code for the region, or for what point is in."
  (interactive)
  (copydesk--turn "test"))

;;;###autoload
(defun copydesk-refactor (how)
  "Refactor the region, or what point is in.
HOW is in words."
  (interactive (list (copydesk--read-text "Refactor how: ")))
  (copydesk--turn "refactor" :text how))

;;;###autoload
(defun copydesk-ask (question)
  "Ask QUESTION about the code."
  (interactive (list (copydesk--read-text "Ask Copydesk: ")))
  (copydesk--turn "ask" :text question))

;;;###autoload
(defun copydesk-prompt (text &optional queue)
  "Give the agent TEXT as an order.
While it works, TEXT joins the turn; with QUEUE, a prefix
argument, it waits for its end."
  (interactive (list (copydesk--read-text "Tell Copydesk: ") current-prefix-arg))
  (copydesk--turn "prompt" :text text :queue (and queue t)))

;;;###autoload
(defun copydesk-cancel ()
  "Cancel everything that is running."
  (interactive)
  (copydesk-execute "cancel" nil
                    (lambda (result)
                      (let ((count (length (plist-get result :cancelled))))
                        (message (if (zerop count) "Copydesk: nothing runs" "Copydesk: cancelled %d turn%s")
                                 count (if (= count 1) "" "s"))))))

;;;###autoload
(defun copydesk-undo ()
  "Take back what the newest turn wrote, or the newest undo.
What you have written since stays."
  (interactive)
  (copydesk-execute "undo" '(:wait t)))

;;; Settings and information

;;;###autoload
(defun copydesk-status ()
  "Say what the server does."
  (interactive)
  (copydesk-execute
   "status" nil
   (lambda (status)
     (let ((running (append (plist-get status :running) nil))
           (model (plist-get status :model)))
       (message "Copydesk %s: %s, mode %s, %s, %d waiting to be reviewed"
                (plist-get status :version)
                (if-let* ((problem (plist-get model :problem)))
                    (format "%s (%s)" (plist-get model :name) problem)
                  (plist-get model :name))
                (plist-get status :mode)
                (if running
                    (mapconcat (lambda (turn) (format "%s, step %s" (plist-get turn :title) (plist-get turn :step)))
                               running "; ")
                  "nothing runs")
                (or (plist-get (plist-get status :counts) :pending) 0))))))

;;;###autoload
(defun copydesk-doctor ()
  "Show the server's findings of itself, with advice."
  (interactive)
  (copydesk-execute
   "doctor" nil
   (lambda (result)
     (copydesk--show-table
      "*Copydesk doctor*"
      (cl-loop for finding across (plist-get result :findings)
               concat (format "%-8s %s: %s\n%s" (plist-get finding :level) (plist-get finding :subject)
                              (plist-get finding :text)
                              (if-let* ((advice (plist-get finding :advice)) ((not (string-empty-p advice))))
                                  (format "         %s\n" advice)
                                "")))))))

;;;###autoload
(defun copydesk-sessions ()
  "Show the sessions."
  (interactive)
  (copydesk-execute
   "session.list" nil
   (lambda (result)
     (copydesk--show-table
      "*Copydesk sessions*"
      (cl-loop for session across (plist-get result :sessions)
               concat (format "%s  %-12s %3s turns  %s\n" (plist-get session :session) (plist-get session :state)
                              (plist-get session :turns) (plist-get session :title)))))))

;;;###autoload
(defun copydesk-session-new ()
  "Begin a new session: what was said before is no longer part of the conversation."
  (interactive)
  (copydesk-execute "session.new" nil (lambda (_) (message "Copydesk: a new session"))))

(defun copydesk--show-table (name text)
  "Show TEXT in the help buffer NAME."
  (with-current-buffer (get-buffer-create name)
    (let ((inhibit-read-only t))
      (erase-buffer)
      (insert (if (string-empty-p text) "Nothing.\n" text))
      (goto-char (point-min)))
    (special-mode)
    (display-buffer (current-buffer))))

;;;###autoload
(defun copydesk-model ()
  "Choose the model from those that answer."
  (interactive)
  (copydesk-execute
   "models" nil
   (lambda (result)
     (copydesk--later
      (lambda ()
        (let* ((models (cl-loop for model across (plist-get result :models)
                                when (eq (plist-get model :available) t) collect (plist-get model :name)))
               (name (completing-read (format "Model (now %s): " (plist-get result :current)) (cons "auto" models))))
          (unless (string-empty-p name)
            (copydesk-execute "model.set" (list :model name)
                              (lambda (set) (message "Copydesk: the model is %s" (plist-get set :model)))))))))))

;;;###autoload
(defun copydesk-mode-set (mode)
  "Set what a turn may do unasked to MODE."
  (interactive (list (completing-read "Mode: " '("plan" "ask" "acceptEdits" "auto") nil t)))
  (copydesk-execute "mode.set" (list :mode mode)
                    (lambda (set) (message "Copydesk: the mode is %s" (plist-get set :mode)))))

(defun copydesk--later (work)
  "Call WORK soon, outside the process filter, which must not wait."
  (run-at-time 0 nil work))

;;; Questions

(defvar copydesk--questions nil
  "Questions that wait, as `copydesk-handle-question' gets them.")
(defvar copydesk--reading nil "The question that is being read in the minibuffer.")

(defun copydesk-handle-question (question)
  "Keep QUESTION, and ask it when nothing was typed for a moment.
It is a plist with :id, :question, :choices and :reply, which
takes the answer."
  (setq copydesk--questions (append copydesk--questions (list question)))
  (force-mode-line-update t)
  (message "Copydesk asks: %s (M-x copydesk-answer)" (plist-get question :question))
  (when copydesk-ask-idle-time
    (run-with-idle-timer copydesk-ask-idle-time nil #'copydesk--ask-when-free question)))

(defun copydesk-withdraw-question (id)
  "Drop the question with ID: its turn was cancelled, say."
  (when-let* ((question (cl-find id copydesk--questions :key (lambda (each) (plist-get each :id)) :test #'equal)))
    (setq copydesk--questions (remq question copydesk--questions))
    (force-mode-line-update t)
    (when (eq question copydesk--reading)
      (message "Copydesk: the question was withdrawn")
      (abort-recursive-edit))))

(defun copydesk--ask-when-free (question)
  "Ask QUESTION if it waits still and the minibuffer is free."
  (when (and (memq question copydesk--questions)
             (not copydesk--reading)
             (not (active-minibuffer-window)))
    (copydesk--ask question)))

(defun copydesk--ask (question)
  "Read the answer to QUESTION.  Quitting, or no words, let it wait."
  (let* ((choices (append (plist-get question :choices) nil))
         (prompt (format "Copydesk asks: %s " (plist-get question :question)))
         (answer (unwind-protect
                     (progn
                       (setq copydesk--reading question)
                       (if choices
                           (completing-read prompt choices nil t)
                         (read-string prompt nil 'copydesk--texts)))
                   (setq copydesk--reading nil))))
    (cond
     ((string-blank-p answer) (message "Copydesk waits for your answer: M-x copydesk-answer"))
     ((memq question copydesk--questions)
      (setq copydesk--questions (remq question copydesk--questions))
      (force-mode-line-update t)
      (funcall (plist-get question :reply) answer)))))

;;;###autoload
(defun copydesk-answer ()
  "Answer the oldest question that waits."
  (interactive)
  (if copydesk--questions
      (copydesk--ask (car copydesk--questions))
    (user-error "Copydesk asks nothing")))

;;; Permissions

(defconst copydesk--deny-why "Deny, saying why")

(defun copydesk-handle-permission (connection update)
  "Ask what the permission UPDATE of CONNECTION asks; drop it when it is settled."
  (let* ((request (plist-get update :request))
         (id (list 'permission (plist-get request :id))))
    (if (equal (plist-get update :state) "asked")
        (copydesk-handle-question
         (list :id id
               :question (string-replace "\n" " · " (plist-get request :text))
               :choices (copydesk--permission-choices request)
               :whole (plist-get request :whole)
               :reply (lambda (answer) (copydesk--permit connection request answer))))
      (copydesk-withdraw-question id))))

(defun copydesk--permission-choices (request)
  "The names of REQUEST's options.
What denies comes first: some completion styles take the first
choice when nothing is typed."
  (let ((names (mapcar (lambda (option) (plist-get option :name)) (plist-get request :options))))
    (append (cl-remove "Deny" names :test-not #'equal)
            (list copydesk--deny-why)
            (cl-remove "Deny" names :test #'equal))))

(defun copydesk--permit (connection request answer)
  "Send CONNECTION the ANSWER to REQUEST."
  (let* ((says-why (equal answer copydesk--deny-why))
         (chosen (cl-find answer (plist-get request :options)
                          :key (lambda (option) (plist-get option :name)) :test #'equal))
         (reason (and says-why (read-string "Why not? The agent is told: " nil 'copydesk--texts))))
    (copydesk-execute-on connection "permission.answer"
                         (append (list :request (plist-get request :id)
                                       :option (if chosen (plist-get chosen :optionId) "reject_once"))
                                 (and reason (list :reason reason))))))

;;;###autoload
(defun copydesk-permissions ()
  "Show what is always allowed, and which folders are trusted."
  (interactive)
  (copydesk-execute
   "permissions" '(:open :json-false)
   (lambda (result)
     (copydesk--show-table
      "*Copydesk permissions*"
      (concat
       (cl-loop for folder across (plist-get result :folders)
                concat (format "%s (%s)\n" (plist-get folder :path)
                               (pcase (plist-get folder :trusted)
                                 ('t "trusted")
                                 (:json-false "not trusted")
                                 (_ "not asked whether it is trusted")))
                concat (cl-loop for rule across (plist-get folder :rules)
                                concat (format "    always: %s\n" (plist-get rule :rule)))
                concat (if (string-empty-p (plist-get folder :problem)) ""
                         (format "    %s\n" (plist-get folder :problem))))
       (cl-loop for session across (plist-get result :sessions)
                concat (cl-loop for rule across (plist-get session :rules)
                                concat (format "in this session: %s\n" rule))))))))

;;;###autoload
(defun copydesk-permission-forget ()
  "Choose a rule that shall no longer be allowed always, or in this session."
  (interactive)
  (copydesk-execute
   "permissions" '(:open :json-false)
   (lambda (result)
     (copydesk--later
      (lambda ()
        (let ((rules (append
                      (cl-loop for folder across (plist-get result :folders)
                               append (mapcar (lambda (rule) (plist-get rule :rule)) (plist-get folder :rules)))
                      (cl-loop for session across (plist-get result :sessions)
                               append (append (plist-get session :rules) nil)))))
          (if (null rules)
              (message "Copydesk: nothing is allowed always")
            (let ((rule (completing-read "Forget which rule: " rules nil t)))
              (unless (string-empty-p rule)
                (copydesk-execute "permissions" (list :forget rule :open :json-false)
                                  (lambda (_) (message "Copydesk: no longer allowed: %s" rule))))))))))))

;;;###autoload
(defun copydesk-trust (trusted)
  "Say whether this folder is TRUSTED.
What comes with it may run and count then."
  (interactive (list (y-or-n-p "What this folder brings along can run commands; trust it?")))
  (copydesk-execute "workspace.trust" (list :trusted (if trusted t :json-false))
                    (lambda (result)
                      (cl-loop for folder across (plist-get result :folders)
                               do (message "Copydesk: %s is %s" (plist-get folder :path)
                                           (if (eq (plist-get folder :trusted) t) "trusted" "not trusted"))))))

;;; What the server tells of turns

(defun copydesk-handle-update (connection turn update)
  "Show UPDATE of TURN, from CONNECTION."
  (copydesk-turns-add turn update)
  (pcase (plist-get update :sessionUpdate)
    ("review" (copydesk-review-refresh connection))
    ("permission" (copydesk-handle-permission connection update))
    ("turn_ended" (copydesk--tell-end update)))
  (force-mode-line-update t))

(defun copydesk--tell-end (update)
  "Say what came of the turn that UPDATE ends."
  (let* ((text (string-trim (or (plist-get update :message) "")))
         (failure (plist-get update :error))
         (whole (if (and failure (not (string-search failure text))) (string-trim (concat failure "\n" text)) text))
         (pending (equal (plist-get update :review) "pending")))
    (if (<= (length (split-string whole "\n" t)) copydesk-short-answer-lines)
        (message "Copydesk: %s%s"
                 (if (string-empty-p whole) (plist-get update :stopReason) whole)
                 (if pending " — M-x copydesk-review" ""))
      (copydesk-turns-show)
      (message "Copydesk: %s%s" (car (split-string whole "\n" t)) (if pending " — M-x copydesk-review" "")))))

;;; The mode

(defun copydesk--lighter ()
  "The mode line's words: a question, the running step, waiting hunks."
  (let ((hunks (copydesk-review-count))
        (doing (copydesk-turns-doing)))
    (concat " Copydesk"
            (cond (copydesk--questions ":asks")
                  (doing (format ":%s" doing)))
            (if (zerop hunks) "" (format "±%d" hunks)))))

(defvar-keymap copydesk-command-map
  :doc "The commands, for a key of your own."
  "e" #'copydesk-explain
  "f" #'copydesk-fix
  "d" #'copydesk-document
  "t" #'copydesk-test
  "r" #'copydesk-refactor
  "?" #'copydesk-ask
  "p" #'copydesk-prompt
  "k" #'copydesk-cancel
  "v" #'copydesk-review
  "a" #'copydesk-accept-hunk
  "x" #'copydesk-reject-hunk
  "A" #'copydesk-accept-all
  "u" #'copydesk-undo
  "y" #'copydesk-answer
  "l" #'copydesk-turns
  "s" #'copydesk-status)
(fset 'copydesk-command-map copydesk-command-map)

(defvar-keymap copydesk-mode-map
  :doc "Keys of `copydesk-mode'; empty, for yours.")

;;;###autoload
(define-minor-mode copydesk-mode
  "Show in the mode line what Copydesk does for this buffer.
It is turned on by itself where a client has Copydesk as a server."
  :lighter (:eval (copydesk--lighter))
  :keymap copydesk-mode-map
  :group 'copydesk
  (if copydesk-mode
      (copydesk-review-refresh (copydesk-connection))
    (copydesk-review-forget)))

(put 'copydesk-mode 'risky-local-variable t)

(provide 'copydesk)
;;; copydesk.el ends here
