;;; copydesk-review.el --- Decide Copydesk's edits where they would go  -*- lexical-binding: t; -*-

;; Copyright (C) 2026 The Copydesk authors
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Hunks that wait are drawn into the text: what would go in one colour, what would come below it in another.  The text
;; itself is not touched before a hunk is accepted.  The server keeps the hunks; here is only what it said last, asked
;; for again whenever something was decided or has moved.  Start with `copydesk-review' and `copydesk-review--take'.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'copydesk-connection)

(defface copydesk-removed '((t :inherit diff-removed :extend t)) "Lines that would go." :group 'copydesk)
(defface copydesk-added '((t :inherit diff-added :extend t)) "Lines that would come." :group 'copydesk)
(defface copydesk-held '((t :inherit warning)) "What newer typing holds back." :group 'copydesk)
(require 'diff-mode)

(defvar copydesk-review--files nil "The files with hunks, as the server said last.")
(defvar copydesk-review--connection nil "Who said so.")
(defvar copydesk-review--overlays nil "Every overlay that draws a hunk.")
(defvar copydesk-review--timer nil "When they are asked for again.")
(defvar copydesk-review--whole nil "The hunk of a whole file that is being looked at.")

(defconst copydesk-review--delay 0.1 "Seconds that several reasons to ask again are taken for one.")
(defconst copydesk-review-proposal-buffer "*Copydesk proposal*")

(defconst copydesk-review--commands
  '(copydesk-review-accept copydesk-review-reject copydesk-next-hunk copydesk-previous-hunk)
  "After these the keys of a review stay.")

;;; What waits

(defun copydesk-review-refresh (connection)
  "Ask CONNECTION what waits, soon, and draw it."
  (unless (or copydesk-review--timer (not (copydesk-alive-p connection)))
    (setq copydesk-review--timer
          (run-with-timer
           copydesk-review--delay nil
           (lambda ()
             (setq copydesk-review--timer nil)
             (when (copydesk-alive-p connection)
               (copydesk-execute-on connection "review.show" '(:open :json-false)
                                    (lambda (result) (copydesk-review--take connection result)))))))))

(defun copydesk-review-forget ()
  "Draw no hunks in this buffer."
  (dolist (overlay (copydesk-review--overlays-here))
    (delete-overlay overlay)
    (setq copydesk-review--overlays (delq overlay copydesk-review--overlays))))

(defun copydesk-review-count ()
  "How many hunks wait."
  (cl-loop for file in copydesk-review--files sum (length (plist-get file :hunks))))

(defun copydesk-review--take (connection result)
  "Draw what waits, by the answer RESULT of CONNECTION to a review command."
  (setq copydesk-review--connection connection
        copydesk-review--files (append (plist-get result :pending) nil))
  (mapc #'delete-overlay copydesk-review--overlays)
  (setq copydesk-review--overlays nil)
  (dolist (file copydesk-review--files)
    (when-let* ((buffer (find-buffer-visiting (copydesk-path connection (plist-get file :uri)))))
      (with-current-buffer buffer
        (seq-doseq (hunk (plist-get file :hunks))
          (unless (copydesk-review--whole-p hunk) (copydesk-review--draw connection hunk))))))
  (force-mode-line-update t))

(defun copydesk-review--whole-p (hunk)
  "Whether HUNK is what happens to a file as a whole."
  (not (equal (plist-get hunk :kind) "change")))

(defun copydesk-review--draw (connection hunk)
  "Draw HUNK of CONNECTION in this buffer."
  (save-restriction
    (widen)
    (pcase-let* ((`(,beg . ,end) (copydesk-region connection (plist-get hunk :range)))
                 (overlay (make-overlay beg end))
                 (after (or (plist-get hunk :after) ""))
                 ;; A range ends before the line's end; what comes then begins a line of its own.
                 (whole (or (= end (point-min)) (eq (char-before end) ?\n))))
      (overlay-put overlay 'copydesk-hunk hunk)
      (overlay-put overlay 'priority 100)
      (overlay-put overlay 'face (if (eq (plist-get hunk :held) t) 'copydesk-held 'copydesk-removed))
      (overlay-put overlay 'help-echo "M-x copydesk-review decides this")
      (unless (string-empty-p after)
        (overlay-put overlay 'after-string
                     (propertize (if whole after (concat "\n" (string-remove-suffix "\n" after)))
                                 'face 'copydesk-added)))
      (push overlay copydesk-review--overlays))))

(defun copydesk-review--overlays-here ()
  "The overlays of this buffer, from its top."
  (sort (seq-filter (lambda (overlay) (eq (overlay-buffer overlay) (current-buffer))) copydesk-review--overlays)
        (lambda (one other) (< (overlay-start one) (overlay-start other)))))

(defun copydesk-review-hunk-at-point ()
  "The hunk that the line of point touches.
In the buffer of a proposal it is the one of a whole file."
  (let ((beg (line-beginning-position)) (end (line-end-position)))
    (or (cl-loop for overlay in (copydesk-review--overlays-here)
                 when (and (<= (overlay-start overlay) end)
                           (or (> (overlay-end overlay) beg)
                               (and (= (overlay-start overlay) (overlay-end overlay)) (= (overlay-end overlay) beg))))
                 return (overlay-get overlay 'copydesk-hunk))
        (and copydesk-review--whole (equal (buffer-name) copydesk-review-proposal-buffer) copydesk-review--whole)
        (user-error "No hunk of Copydesk's on this line"))))

;;; Deciding

(defun copydesk-review--decide (verb argument &optional then)
  "Send VERB with ARGUMENT, draw what is left, and call THEN."
  (let ((connection (if (copydesk-alive-p copydesk-review--connection) copydesk-review--connection
                      (copydesk-connection-or-lose))))
    (copydesk-execute-on connection (concat "review." verb) (append argument '(:wait t))
                         (lambda (result)
                           (copydesk-review--take connection result)
                           (when then (funcall then))))))

;;;###autoload
(defun copydesk-accept-hunk (&optional then)
  "Accept the hunk at point, and call THEN."
  (interactive)
  (copydesk-review--decide "accept" (list :hunk (plist-get (copydesk-review-hunk-at-point) :hunk)) then))

;;;###autoload
(defun copydesk-reject-hunk (&optional reason then)
  "Reject the hunk at point, and call THEN.
With a prefix argument, give the model a REASON."
  (interactive (list (and current-prefix-arg (read-string "Why: "))))
  (copydesk-review--decide "reject" (append (list :hunk (plist-get (copydesk-review-hunk-at-point) :hunk))
                                            (and reason (not (string-blank-p reason)) (list :reason reason)))
                           then))

;;;###autoload
(defun copydesk-accept-line ()
  "Accept one line of the hunk at point, and leave the rest."
  (interactive)
  (let* ((hunk (copydesk-review-hunk-at-point))
         (lines (append (plist-get hunk :lines) nil))
         (names (cl-loop for line in lines
                         collect (cons (format "%s: %s" (plist-get line :number)
                                               (or (plist-get line :after) (concat "− " (plist-get line :before))))
                                       (plist-get line :number)))))
    (unless names (user-error "This hunk is decided as one"))
    (let ((number (cdr (assoc (completing-read "Accept line: " names nil t) names))))
      (when number
        (copydesk-review--decide "accept" (list :hunk (plist-get hunk :hunk) :lines (vector number)
                                                :of (length lines)))))))

;;;###autoload
(defun copydesk-accept-all ()
  "Accept everything that waits, in all files."
  (interactive)
  (copydesk-review--decide "accept" '(:all t)))

;;;###autoload
(defun copydesk-reject-all ()
  "Reject everything that waits, in all files."
  (interactive)
  (copydesk-review--decide "reject" '(:all t)))

;;; From hunk to hunk

(defvar-keymap copydesk-review-map
  :doc "Keys while hunks are reviewed; any other key ends that."
  "a" #'copydesk-review-accept
  "r" #'copydesk-review-reject
  "l" #'copydesk-accept-line
  "n" #'copydesk-next-hunk
  "p" #'copydesk-previous-hunk
  "A" #'copydesk-accept-all
  "R" #'copydesk-reject-all
  "q" #'copydesk-review-quit)

;;;###autoload
(defun copydesk-review ()
  "Review the hunks that wait.
The keys are those of `copydesk-review-map'."
  (interactive)
  (copydesk-review--decide-nothing #'copydesk-review--start))

(defun copydesk-review--decide-nothing (then)
  "Ask what waits, draw it, and call THEN."
  (let ((connection (copydesk-connection-or-lose)))
    (copydesk-execute-on connection "review.show" '(:open :json-false)
                         (lambda (result)
                           (copydesk-review--take connection result)
                           (run-at-time 0 nil then)))))

(defun copydesk-review--start ()
  "Go to the hunk at point or the next one."
  (if (zerop (copydesk-review-count))
      (message "Copydesk: nothing waits for a decision")
    (copydesk-review--go (copydesk-review--near))))

(defun copydesk-review--all ()
  "Every hunk with its file: a list of (FILE . HUNK), in order."
  (cl-loop for file in copydesk-review--files
           append (mapcar (lambda (hunk) (cons file hunk)) (plist-get file :hunks))))

(defun copydesk-review--near ()
  "The index of the hunk at point, else of the next one here, else 0."
  (let* ((overlay (seq-find (lambda (each) (>= (overlay-end each) (line-beginning-position)))
                            (copydesk-review--overlays-here)))
         (id (plist-get (and overlay (overlay-get overlay 'copydesk-hunk)) :hunk)))
    (or (and id (cl-position id (copydesk-review--all)
                             :key (lambda (pair) (plist-get (cdr pair) :hunk)) :test #'equal))
        0)))

(defun copydesk-review--step (count)
  "Go COUNT hunks on, around the end."
  (let* ((all (copydesk-review--all))
         (here (ignore-errors (plist-get (copydesk-review-hunk-at-point) :hunk)))
         (at (and here (cl-position here all :key (lambda (pair) (plist-get (cdr pair) :hunk)) :test #'equal))))
    (if (null all) (message "Copydesk: nothing waits for a decision")
      (copydesk-review--go (if at (mod (+ at count) (length all)) (copydesk-review--near))))))

(defun copydesk-next-hunk ()
  "Go to the next hunk, in this file or another."
  (interactive)
  (copydesk-review--step 1))

(defun copydesk-previous-hunk ()
  "Go to the hunk before."
  (interactive)
  (copydesk-review--step -1))

(defun copydesk-review--go (index)
  "Show the hunk that is number INDEX of all, and take the keys of a review."
  (pcase-let* ((all (copydesk-review--all))
               (`(,file . ,hunk) (nth index all)))
    (setq copydesk-review--whole (and (copydesk-review--whole-p hunk) hunk))
    (if copydesk-review--whole (copydesk-review--show-whole file hunk)
      (let ((path (copydesk-path copydesk-review--connection (plist-get file :uri))))
        (unless (and buffer-file-name (file-equal-p buffer-file-name path))
          (pop-to-buffer-same-window (find-file-noselect path))))
      (unless (seq-find (lambda (each) (equal (plist-get (overlay-get each 'copydesk-hunk) :hunk)
                                              (plist-get hunk :hunk)))
                        (copydesk-review--overlays-here))
        (copydesk-review--draw copydesk-review--connection hunk))
      (goto-char (car (copydesk-review--bounds hunk))))
    (set-transient-map copydesk-review-map (lambda () (memq this-command copydesk-review--commands)))
    (message "Hunk %d of %d in %s%s: a accept, r reject, l one line, n/p next/previous, A/R all, q leave"
             (1+ index) (length all) (plist-get file :path)
             (if (eq (plist-get hunk :held) t) " (held back by what you typed)" ""))))

(defun copydesk-review--bounds (hunk)
  "Where HUNK is drawn in this buffer."
  (let ((overlay (seq-find (lambda (each) (equal (plist-get (overlay-get each 'copydesk-hunk) :hunk)
                                                 (plist-get hunk :hunk)))
                           (copydesk-review--overlays-here))))
    (if overlay (cons (overlay-start overlay) (overlay-end overlay)) (cons (point) (point)))))

(defun copydesk-review--show-whole (file hunk)
  "Show what HUNK would do to FILE as a whole."
  (with-current-buffer (get-buffer-create copydesk-review-proposal-buffer)
    (let ((inhibit-read-only t))
      (erase-buffer)
      (insert (format "%s %s%s\n\n" (capitalize (plist-get hunk :kind)) (plist-get file :path)
                      (if-let* ((from (plist-get hunk :movedFrom))) (format " (from %s)" from) "")))
      (insert (propertize (or (plist-get hunk :after) "") 'face 'copydesk-added))
      (goto-char (point-min)))
    (special-mode)
    (pop-to-buffer (current-buffer))))

(defun copydesk-review--on ()
  "After a decision: the next hunk, or the end."
  (run-at-time 0 nil (lambda ()
                       (if (zerop (copydesk-review-count)) (message "Copydesk: all is decided")
                         (copydesk-review--go (copydesk-review--near))))))

(defun copydesk-review-accept ()
  "Accept the hunk at point and go on to the next."
  (interactive)
  (copydesk-accept-hunk #'copydesk-review--on))

(defun copydesk-review-reject ()
  "Reject the hunk at point and go on to the next."
  (interactive)
  (copydesk-reject-hunk nil #'copydesk-review--on))

(defun copydesk-review-quit ()
  "Leave the review, and what waits as it is."
  (interactive)
  (message "Copydesk: %d still waiting" (copydesk-review-count)))

(provide 'copydesk-review)
;;; copydesk-review.el ends here
