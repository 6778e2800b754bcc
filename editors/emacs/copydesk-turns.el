;;; copydesk-turns.el --- A buffer that shows Copydesk's turns  -*- lexical-binding: t; -*-

;; Copyright (C) 2026 The Copydesk authors
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; What the agent does, as it does it: text, tool calls, notices, what it cost.  The buffer only grows, up to
;; `copydesk-turns-max-characters'.  What a model wrote is text here, and nothing in it is a link or a button.
;; Start with `copydesk-turns-add'.

;;; Code:

(require 'cl-lib)
(require 'subr-x)

(defcustom copydesk-turns-max-characters 200000
  "Older turns are cut off above this."
  :type 'natnum
  :group 'copydesk)

(defface copydesk-turns-title '((t :inherit bold)) "Titles of turns." :group 'copydesk)
(defface copydesk-turns-note '((t :inherit shadow)) "What is not the model's own words." :group 'copydesk)

(defconst copydesk-turns-buffer "*Copydesk*")

(defvar copydesk-turns--running nil
  "What runs: an alist of turns and plists with :step, :max and :doing.")

(define-derived-mode copydesk-turns-mode special-mode "Copydesk turns"
  "Mode of the buffer of turns."
  (setq-local word-wrap t truncate-lines nil))

(defun copydesk-turns--buffer ()
  "The buffer, made where it is not there."
  (or (get-buffer copydesk-turns-buffer)
      (with-current-buffer (get-buffer-create copydesk-turns-buffer)
        (copydesk-turns-mode)
        (current-buffer))))

;;;###autoload
(defun copydesk-turns ()
  "Go to the buffer of the agent's work."
  (interactive)
  (pop-to-buffer (copydesk-turns--buffer))
  (goto-char (point-max)))

(defun copydesk-turns-show ()
  "Show the buffer at the beginning of the newest turn, without going there."
  (let ((window (display-buffer (copydesk-turns--buffer))))
    (when window
      (with-current-buffer copydesk-turns-buffer
        (let ((start (save-excursion (goto-char (point-max)) (re-search-backward "^● " nil t))))
          (set-window-start window (or start (point-min)))
          (set-window-point window (point-max)))))))

(defun copydesk-turns-doing ()
  "The running step in a few words, or nil."
  (when-let* ((shown (cdar copydesk-turns--running)))
    (string-trim (format "%s/%s %s" (or (plist-get shown :step) 0) (or (plist-get shown :max) "?")
                         (truncate-string-to-width (or (plist-get shown :doing) "") 30 nil nil t)))))

(defun copydesk-turns--note (turn key value)
  "Keep that TURN has VALUE for KEY."
  (setf (alist-get turn copydesk-turns--running nil nil #'equal)
        (plist-put (alist-get turn copydesk-turns--running nil nil #'equal) key value)))

(defun copydesk-turns-add (turn update)
  "Show UPDATE of TURN."
  (pcase (plist-get update :sessionUpdate)
    ("turn_started"
     (copydesk-turns--note turn :step 0)
     (copydesk-turns--line (format "● %s" (plist-get update :title)) 'copydesk-turns-title)
     (copydesk-turns--line (format "  mode %s" (plist-get update :mode)) 'copydesk-turns-note))
    ("model_chosen" (copydesk-turns--line (format "  %s" (plist-get update :model)) 'copydesk-turns-note))
    ("step_started"
     (copydesk-turns--note turn :step (plist-get update :step))
     (copydesk-turns--note turn :max (plist-get update :maxSteps))
     (copydesk-turns--note turn :doing ""))
    ("agent_message_chunk" (copydesk-turns--insert (copydesk-turns--text update) nil))
    ("agent_thought_chunk" (copydesk-turns--insert (copydesk-turns--text update) 'copydesk-turns-note))
    ("user_message_chunk" (copydesk-turns--line (concat "> " (copydesk-turns--text update)) 'copydesk-turns-note))
    ("tool_call"
     (copydesk-turns--note turn :doing (plist-get update :title))
     (copydesk-turns--line (format "  ▸ %s" (plist-get update :title)) 'copydesk-turns-note))
    ("tool_call_update"
     (when (equal (plist-get update :status) "failed")
       (copydesk-turns--line "    failed" 'error)))
    ("retried"
     (copydesk-turns--line (format "  trying again: %s" (plist-get update :why)) 'copydesk-turns-note))
    ("permission"
     (pcase (plist-get update :state)
       ("asked" (copydesk-turns--line (copydesk-turns--asked (plist-get update :request)) 'copydesk-turns-note))
       ("rejected" (copydesk-turns--line (format "    not allowed: %s" (plist-get update :reason)) 'error))))
    ("notice" (copydesk-turns--line (format "  %s" (plist-get update :text)) 'copydesk-turns-note))
    ("evidence"
     (mapc (lambda (run) (copydesk-turns--run turn run)) (plist-get update :runs)))
    ("turn_ended"
     (setf (alist-get turn copydesk-turns--running nil t #'equal) nil)
     (copydesk-turns--line (copydesk-turns--closing update) 'copydesk-turns-note))))

(defun copydesk-turns--run (turn run)
  "Show RUN, a check of TURN's edits, once it is known.
It is shown again when it tells something else."
  (let ((text (string-replace "`" "" (or (plist-get run :text) "")))
        (shown (plist-get (alist-get turn copydesk-turns--running nil nil #'equal) :runs))
        (is-bad (equal (plist-get run :state) "new_failures")))
    (unless (or (equal (plist-get run :state) "running") (member text shown))
      (when (assoc turn copydesk-turns--running) ; else it has ended: checks may go on after it
        (copydesk-turns--note turn :runs (cons text shown)))
      (copydesk-turns--line (concat (if is-bad "  ✗ " "  · ") text) (if is-bad 'error 'copydesk-turns-note)))))

(defun copydesk-turns--asked (request)
  "All that REQUEST asks, indented."
  (replace-regexp-in-string "^\\(.\\)" "    \\1" (string-trim (or (plist-get request :whole) ""))))

(defun copydesk-turns--text (update)
  "The words of UPDATE."
  (or (plist-get (plist-get update :content) :text) ""))

(defun copydesk-turns--closing (update)
  "The last line of the turn that UPDATE ends."
  (let ((tokens (plist-get (plist-get update :usage) :totalTokens))
        (failure (plist-get update :error)))
    (concat "  " (plist-get update :stopReason)
            (if (member (plist-get update :review) '(nil "none")) ""
              (format ", edits %s" (plist-get update :review)))
            (if (and tokens (> tokens 0)) (format ", %d tokens" tokens) "")
            (if failure (format ": %s" failure) "")
            "\n")))

(defun copydesk-turns--line (text face)
  "Add TEXT in FACE as lines of its own."
  (copydesk-turns--insert (concat text "\n") face t))

(defun copydesk-turns--insert (text face &optional fresh)
  "Add TEXT in FACE at the end, on a FRESH line where wanted.
Windows that show the end go on showing it."
  (with-current-buffer (copydesk-turns--buffer)
    (let ((inhibit-read-only t)
          (followers (cl-remove-if-not (lambda (window) (= (window-point window) (point-max)))
                                       (get-buffer-window-list nil nil t)))
          (at-end (eobp)))
      (save-excursion
        (goto-char (point-max))
        (when (and fresh (not (bolp))) (insert "\n"))
        (insert (if face (propertize text 'face face) text))
        (when (> (buffer-size) copydesk-turns-max-characters)
          (goto-char (- (point-max) (/ copydesk-turns-max-characters 2)))
          (delete-region (point-min) (line-beginning-position))))
      (when at-end (goto-char (point-max)))
      (dolist (window followers) (set-window-point window (point-max))))))

(provide 'copydesk-turns)
;;; copydesk-turns.el ends here
